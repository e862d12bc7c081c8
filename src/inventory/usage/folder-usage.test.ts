import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { inspectImage } from '../inspect-image.ts';
import { OS_RELEASE, stanza, status } from '../testing/debian-root.ts';
import { usageOfPackage } from './index.ts';

const SLEEP = '/usr/bin/sleep';

test('a root folder: programs and what they are linked against, as the loader of that root finds it', async (context) => {
  const listed = spawnSync('ldd', [SLEEP], { encoding: 'utf8' });
  if (listed.error !== undefined || listed.status !== 0) return context.skip('ldd not installed');
  const folder = mkdtempSync(join(tmpdir(), 'folder-usage-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, 'root');
  const libraries = [...listed.stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] as string);
  for (const path of [SLEEP, ...libraries]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
  }
  for (const name of ['usr/lib', 'var/lib/dpkg/info', 'etc/ld.so.conf.d'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'usr/lib/os-release'), OS_RELEASE);
  writeFileSync(
    join(root, 'var/lib/dpkg/status'),
    status(stanza('libc6', '1'), stanza('tools', '1'), stanza('idle', '1')),
  );
  writeFileSync(join(root, 'var/lib/dpkg/info/libc6.list'), `${libraries.join('\n')}\n`);
  writeFileSync(join(root, 'var/lib/dpkg/info/tools.list'), `${SLEEP}\n`);
  // Settings that would lead out of the root, and in a circle.
  writeFileSync(join(root, 'etc/ld.so.conf'), 'include /etc/ld.so.conf.d/*.conf\n/loop\n/outside\n');
  symlinkSync('/loop', join(root, 'loop'));
  symlinkSync(`../../../..${folder}`, join(root, 'outside'));
  const { usage } = await inspectImage({ kind: 'dir', root }, { usage: true });
  assert.deepEqual(usageOfPackage(usage, 'libc6'), { usage: 'linked', linkedBy: 'executable' });
  assert.deepEqual(usageOfPackage(usage, 'idle'), { usage: 'contained' });
  assert.deepEqual(usageOfPackage(usage, 'tools'), { usage: 'contained' }, 'nothing says that it is started');
  assert.deepEqual(usage?.entry, []);
  assert.equal((await inspectImage({ kind: 'dir', root })).usage, undefined);
  assert.equal((await inspectImage({ kind: 'dir', root }, { usage: true, systemOnly: true })).usage, undefined);
});
