import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { apkEcosystem } from './ecosystem.ts';
import { readInstalled, readOwners } from './installed.ts';
import { readInstalledAdb } from './installed-adb.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/apk/${name}`, import.meta.url));
const PATH = 'lib/apk/db/installed';

test('both forms of a real database say the same', () => {
  const text = readInstalled(fixture('installed'));
  const adb = readInstalledAdb(fixture('installed.adb'));
  assert.deepEqual(text.problems, []);
  assert.deepEqual(
    adb.packages.map((one) => ({ ...one, relations: one.relations.depends })),
    text.packages.map((one) => ({ ...one, relations: one.relations.depends })),
  );
  const [hello, library] = text.packages;
  assert.equal(hello?.maintainer, 'Ä Person <a@example.com>');
  assert.deepEqual(hello?.source, { name: 'hello-src', version: '1.0-r0' });
  assert.deepEqual(hello?.relations.depends, [
    [{ name: 'libhello', operator: '>=', version: '1.0' }],
    [{ name: 'so:libc.so' }],
  ]);
  assert.deepEqual(hello?.relations.conflicts, [[{ name: 'evil' }]]);
  assert.deepEqual(hello?.relations.provides, [{ name: 'cmd:hello', operator: '=', version: '1.0' }]);
  assert.deepEqual(library?.source, { name: 'libhello', version: '1.0-r0' });
});

test('the owner of each file', () => {
  assert.deepEqual(
    [...readOwners(fixture('installed'))],
    [
      ['etc/hello.conf', 'hello'],
      ['usr/bin/hallo', 'hello'],
      ['usr/bin/hello', 'hello'],
    ],
  );
});

test('flags of a broken installation are told', () => {
  const { incomplete, packages } = readInstalled(Buffer.from('P:a\nV:1\nf:fs\n\nP:b\nV:1\nf:S\n'));
  assert.deepEqual(incomplete, ['a (broken files, broken script)']);
  assert.deepEqual(
    packages.map(({ configured }) => configured),
    [false, true],
  );
});

test('broken records are listed and the rest is read', () => {
  const text = 'P:a\nV:1-r0\nA:x86_64\n\nV:2\n\nP:c\n\nnonsense\nP:d\nV:1\n\nP:a\nV:2-r0\n';
  const { packages, problems } = apkEcosystem.readDatabase(new Map([[PATH, Buffer.from(text)]]));
  assert.deepEqual(
    packages.map(({ name, version }) => `${name} ${version}`),
    ['a 2-r0', 'd 1'],
  );
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    [
      'a record has no name: 2',
      'a record has no version: c',
      'line 9 is no field: "nonsense"',
      '1 packages stand there twice; the later entry counts',
    ],
  );
});

test('problems are counted when there are many', () => {
  const { problems } = readInstalled(Buffer.from('V:1\n\n'.repeat(100)));
  assert.equal(problems.length, 21);
  assert.equal(problems.at(-1), 'and 80 more problems');
});

test('a root with both paths has each package once', () => {
  const files = new Map([PATH, `usr/${PATH}`].map((path) => [path, fixture('installed')]));
  assert.equal(apkEcosystem.readDatabase(files).packages.length, 2);
});

test('bytes that are no UTF-8 stop nothing', () => {
  const { packages } = readInstalled(Buffer.from('P:a\nV:1\nm:\xff\xfe\n', 'latin1'));
  assert.equal(packages.length, 1);
});

test('any bytes give packages or problems, never more', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
  const broken = (name: string) =>
    flips.map((all) => {
      const bytes = Buffer.from(fixture(name));
      for (const [at, value] of all) bytes[at % bytes.length] = value;
      return bytes;
    });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
    broken('installed'),
  );
  const adb = broken('installed.adb');
  fc.assert(
    fc.property(fc.oneof(bytes, adb), (content) => {
      const { kind } = apkEcosystem.readDatabase(new Map([[PATH, content]]));
      return kind === 'apk-installed' && readOwners(content).size >= 0;
    }),
    { numRuns: 1000 },
  );
});

test('the architecture comes from the packages, else from the image', () => {
  const packages = [{ name: 'a', architecture: 'noarch' }];
  assert.equal(apkEcosystem.nativeArchitecture([...packages, { name: 'b', architecture: 'armhf' }], 'arm'), 'armhf');
  assert.equal(apkEcosystem.nativeArchitecture(packages, 'amd64'), 'x86_64');
});
