import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ecosystemOf, openApk, openApkIndex, readApkKeyring, readOwners } from '../../src/distro/index.ts';
import { apkSigner, buildApk, buildApkIndex } from '../../src/distro/testing/apk-packages.ts';
import { apkTool } from '../support/apk-tool.ts';

const ORIGIN = { id: 'alpine/3.22/main/x86_64', security: false, architecture: 'x86_64', folder: 'v3.22/main' };
const PACKAGES = [
  { name: 'hello', version: '1.0-r0', depends: ['libhello>=1.0'], files: { 'usr/bin/hello': 'hi' } },
  { name: 'libhello', version: '1.0_rc1-r0', origin: 'hello', provides: ['so:libhello.so.1=1.0'] },
  { name: 'libhello', version: '1.0-r3', origin: 'hello', provides: ['so:libhello.so.1=1.0'] },
] as const;

test('a whole repository of version 2, from its index to its files', async () => {
  const signer = apkSigner();
  const keyring = readApkKeyring('test', [signer]);
  const built = PACKAGES.map((spec) => buildApk(spec, signer));
  const index = await openApkIndex(buildApkIndex(built, signer), ORIGIN, { keyring, what: 'the index' });
  for (const [at, offered] of index.packages.entries()) {
    const apk = openApk(built[at]?.bytes ?? Buffer.alloc(0), { keyring, identity: offered.identity ?? '' });
    assert.equal(apk.info.version, offered.version);
    const paths = [...(await apk.files())].map(({ path }) => path);
    assert.deepEqual(paths, at === 0 ? ['usr', 'usr/bin', 'usr/bin/hello'] : []);
  }
});

// No Debian suite has apk: where somebody brings one, it reads what the tests make.
if (apkTool !== undefined) {
  const tool = apkTool;
  test('apk takes packages and index of the tests for good, installs them, and a scan reads the same', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'apk-oracle-'));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const [root, keys, mirror] = ['root', 'keys', 'mirror/x86_64'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [root, keys, mirror]) mkdirSync(path, { recursive: true });
    const signer = apkSigner();
    writeFileSync(join(keys, signer.name), signer.content);
    const built = PACKAGES.map((spec) => buildApk(spec, signer));
    for (const { fileName, bytes } of built) writeFileSync(join(mirror, fileName), bytes);
    writeFileSync(join(mirror, 'APKINDEX.tar.gz'), buildApkIndex(built, signer));
    writeFileSync(join(folder, 'repositories'), `${join(folder, 'mirror')}\n`);
    const run = (...args: readonly string[]): string => {
      const all = [
        '--keys-dir',
        keys,
        '--arch',
        'x86_64',
        '--repositories-file',
        join(folder, 'repositories'),
        ...args,
      ];
      const { status, stdout, stderr } = spawnSync(tool, all, { encoding: 'utf8' });
      assert.equal(status, 0, `${args.join(' ')}: ${stderr}${stdout}`);
      return stdout;
    };
    run('verify', ...built.map(({ fileName }) => join(mirror, fileName)), join(mirror, 'APKINDEX.tar.gz'));
    run('--root', root, 'add', '--initdb', '--no-scripts', 'hello');
    const database = readFileSync(join(root, 'lib/apk/db/installed'));
    const { packages } = ecosystemOf('apk').readDatabase(new Map([['lib/apk/db/installed', database]]));
    const listed = run('--root', root, 'info', '-v').trim().split('\n').sort();
    assert.deepEqual(packages.map(({ name, version }) => `${name}-${version}`).sort(), listed);
    assert.equal(readOwners(database).get('usr/bin/hello'), 'hello');
  });
}
