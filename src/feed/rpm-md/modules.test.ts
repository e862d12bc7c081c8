import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import type { PrimaryRow } from '../../distro/index.ts';
import { readModules, streamLookup } from './modules.ts';

const MODULES = `---
document: modulemd-defaults
version: 1
data: { module: nodejs, stream: "18" }
...
---
document: modulemd
version: 2
data:
  name: nodejs
  stream: 1.10
  artifacts:
    rpms:
    - nodejs-1:18.2.0-1.el9.x86_64
    - npm-0:2-1.noarch
...
---
document: modulemd
version: 2
data:
  name: empty
  stream: "1"
...
`;

const row = (name: string, evr: string, architecture: string): PrimaryRow => [
  ...([name, evr, architecture, '', '', 0, '', 0, '', 0, []] as const),
];

test('packages by stream; a stream 1.10 is not the number 1.1', async () => {
  const modules = await readModules(Buffer.from(MODULES), 'modules.yaml');
  assert.deepEqual(modules, [['nodejs:1.10', ['nodejs-1:18.2.0-1.el9.x86_64', 'npm-0:2-1.noarch']]]);
  const streamOf = streamLookup(modules);
  assert.equal(streamOf(row('nodejs', '1:18.2.0-1.el9', 'x86_64')), 'nodejs:1.10');
  assert.equal(streamOf(row('npm', '2-1', 'noarch')), 'nodejs:1.10');
  assert.equal(streamOf(row('npm', '2-1', 'x86_64')), undefined);
});

test('aliases are followed nowhere, nonsense is refused', async () => {
  const bomb = `a: &a [x, x]\n${Array.from({ length: 40 }, (_, n) => `k${n}: &b${n} [*a, *a]\n`).join('')}`;
  assert.deepEqual(await readModules(Buffer.from(bomb), 'm'), []);
  assert.deepEqual(await readModules(Buffer.from(''), 'm'), []);
  await assert.rejects(readModules(Buffer.from('a: [b\n{'), 'm'), (error) =>
    isHeraklitError(error, 'FEED_MODULES_INVALID'),
  );
});

test('broken documents are read or refused', async () => {
  const bytes = Buffer.from(MODULES);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
      const broken = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
      if (!cut) broken[at] = value;
      try {
        for (const [stream, packages] of await readModules(broken, 'm'))
          assert.ok(stream !== '' && packages.length >= 0);
      } catch (error) {
        assert.ok(isHeraklitError(error, 'FEED_MODULES_INVALID'));
      }
    }),
  );
});
