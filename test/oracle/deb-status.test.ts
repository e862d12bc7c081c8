import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDeb, readStatus, replaceStanza, type Stanza, statusStanza, writeStatus } from '../../src/distro/index.ts';

const CONTROLS = [
  `Package: zed
Version: 1:1.0-1
Architecture: all
Maintainer: Jörg <j@example.org>
Section: libs
Priority: optional
Multi-Arch: foreign
Installed-Size: 12
Homepage: https://example.org
Provides: virtual(=2),other
Recommends:  a|b ( >=1 ) ,c
Breaks: old (<< 1)
Description: short
 long line
 .
  verbatim
Built-Using: gcc (= 12)
`,
  `Package: alpha
Source: alphasrc (2)
Version: 2+b1
Architecture: all
Maintainer: M <m@example.org>
Essential: no
Multi-Arch: no
Depends: zed (>= 1:0)
Description: with conffiles
X-Custom: kept
`,
];

test('a database written here is the one dpkg writes', async (context) => {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) return context.skip('dpkg not installed');
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const root = join(folder, 'root');
  await mkdir(join(root, 'var/lib/dpkg/info'), { recursive: true });
  await mkdir(join(root, 'var/lib/dpkg/updates'));
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  const debs: string[] = [];
  for (const [i, control] of CONTROLS.entries()) {
    const tree = join(folder, `p${i}`);
    await mkdir(join(tree, 'DEBIAN'), { recursive: true });
    await mkdir(join(tree, 'etc'));
    await chmod(tree, 0o755);
    await writeFile(join(tree, 'DEBIAN/control'), control);
    await writeFile(join(tree, 'etc/one'), `one of ${i}`);
    await writeFile(join(tree, 'etc/two'), `two of ${i}`);
    if (control.includes('conffiles')) {
      await writeFile(join(tree, 'DEBIAN/conffiles'), '/etc/two\n/etc/one\n');
    } else await rm(join(tree, 'etc'), { recursive: true });
    debs.push(join(folder, `p${i}.deb`));
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, debs.at(-1) as string], { stdio: 'pipe' });
  }
  execFileSync('dpkg', [`--root=${root}`, '--force-not-root', '--force-script-chrootless', '-i', ...debs], {
    stdio: 'pipe',
  });

  let stanzas: readonly Stanza[] = [];
  for (const deb of debs) {
    const { control, controlStanza, data } = await openDeb(await readFile(deb), deb);
    const sums = new Map(
      [...(await data())].map((entry) => [`/${entry.path}`, createHash('md5').update(entry.content).digest('hex')]),
    );
    const names = (control.get('conffiles')?.toString() ?? '').split('\n').filter((line) => line !== '');
    const conffiles = names.map((name) => [name, sums.get(name) ?? ''] as const);
    stanzas = replaceStanza(stanzas, statusStanza(controlStanza, { state: 'installed', conffiles }));
    stanzas = replaceStanza(stanzas, statusStanza(controlStanza, { state: 'installed', conffiles }));
  }
  const written = await readFile(join(root, 'var/lib/dpkg/status'));
  assert.equal(writeStatus(stanzas).toString(), written.toString());
  assert.deepEqual(
    [...(readStatus(written, { strict: true }).packages[0]?.conffiles.keys() ?? [])],
    ['/etc/two', '/etc/one'],
  );
});

test('the database of this machine, read and written again, is the same bytes', async (context) => {
  const bytes = await readFile('/var/lib/dpkg/status').catch(() => undefined);
  if (bytes === undefined) return context.skip('dpkg not installed');
  assert.ok(writeStatus(readStatus(bytes, { strict: true }).stanzas).equals(bytes));
});
