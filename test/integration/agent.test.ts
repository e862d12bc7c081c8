import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { observeContainers } from '../../src/agent/index.ts';

const OLD = '1.0-1';
const NEW = '1.0-2';

const status = (version: string): string =>
  ['libc6', 'coreutils']
    .map((name) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`)
    .join('\n');

/** `sleep` of this machine with its libraries, as two packages. @returns the path of libc below the root */
function makeRoot(root: string, sleep: string): string {
  const listed = spawnSync('ldd', [sleep], { encoding: 'utf8' }).stdout;
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] as string);
  for (const path of [sleep, ...libraries]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
  }
  for (const folder of ['proc', 'sys', 'dev', 'etc', 'run', 'tmp', 'var/lib/dpkg/info']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, 'var/lib/dpkg/status'), status(OLD));
  writeFileSync(join(root, 'var/lib/dpkg/info/libc6.list'), `${libraries.join('\n')}\n`);
  writeFileSync(join(root, 'var/lib/dpkg/info/coreutils.list'), `${sleep}\n`);
  return libraries.find((path) => path.includes('libc.so')) as string;
}

test('a container that runs a library which is replaced: told with both versions', async (context) => {
  if (process.getuid?.() !== 0 || spawnSync('podman', ['--version']).status !== 0) {
    return context.skip('podman (as root) not installed');
  }
  const folder = mkdtempSync(join(tmpdir(), 'agent-podman-'));
  const root = join(folder, 'rootfs');
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
  const runtime = spawnSync('runc', ['--version']).status === 0 ? ['--runtime', 'runc'] : [];
  const podman = (...argv: readonly string[]) =>
    spawnSync('podman', [...storage, ...runtime, ...argv], { encoding: 'utf8' });
  context.after(() => {
    podman('rm', '--all', '--force', '--time', '0');
    spawnSync('umount', [join(folder, 'root', 'overlay')]);
    rmSync(folder, { recursive: true, force: true });
  });
  const libc = makeRoot(root, '/usr/bin/sleep');
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'host'];
  const run = ['run', '--detach', '--name', 'held', ...limits, '--rootfs', root, '/usr/bin/sleep', '600'];
  const started = podman(...run);
  assert.equal(started.status, 0, started.stderr);
  const id = started.stdout.trim();
  const memory = new Map<string, string>();
  const observe = async () => {
    const { containers } = await observeContainers({ now: new Date(), memory });
    return containers.find((one) => one.id === id);
  };
  const libraryOf = (seen: Awaited<ReturnType<typeof observe>>) =>
    seen?.packages.find((one) => one.package === 'libc6');
  // The container is there before its first process has mapped its libraries.
  let before = await observe();
  for (let left = 600; left > 0 && libraryOf(before) === undefined; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    before = await observe();
  }
  assert.deepEqual([before?.engine, before?.restartDue], ['podman', false]);
  assert.deepEqual([libraryOf(before)?.loaded, libraryOf(before)?.installed], [OLD, OLD]);

  copyFileSync(join(root, libc), join(root, 'new'));
  renameSync(join(root, 'new'), join(root, libc));
  writeFileSync(join(root, 'var/lib/dpkg/status'), status(NEW));
  const after = await observe();
  assert.equal(after?.restartDue, true);
  const { loaded, installed, restartDue, files } = libraryOf(after) ?? {};
  assert.deepEqual([loaded, installed, restartDue], [OLD, NEW, true]);
  assert.ok(
    files?.some((path) => path.endsWith('/libc.so.6')),
    String(files),
  );
  assert.equal(after?.packages.find((one) => one.package === 'coreutils')?.restartDue, false);
});
