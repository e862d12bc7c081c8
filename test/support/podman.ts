import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface Podman {
  /** Runs a shell script in an image of an OCI layout, whose path must be in lower case. */
  shell(
    image: string,
    script: string,
  ): { readonly status: number | null; readonly stdout: string; readonly output: string };
}

/** A podman with storage of its own; undefined (and a skip) without podman or root. */
export function openPodman(context: TestContext): Podman | undefined {
  if (process.getuid?.() !== 0 || spawnSync('podman', ['--version']).status !== 0) {
    context.skip('podman (as root) not installed');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'compose-podman-'));
  const global = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
  const runtime = spawnSync('runc', ['--version']).status === 0 ? ['--runtime', 'runc'] : [];
  context.after(() => {
    spawnSync('podman', [...global, 'rm', '--all', '--force']);
    spawnSync('umount', [join(folder, 'root', 'overlay')]);
    rmSync(folder, { recursive: true, force: true });
  });
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'host'];
  return {
    shell: (image, script) => {
      const argv = [...global, ...runtime, 'run', '--rm', '--user', '0', ...limits, '--entrypoint', '/bin/sh'];
      const { status, stdout, stderr } = spawnSync('podman', [...argv, image, '-c', script], { encoding: 'utf8' });
      return { status, stdout, output: `${stdout}${stderr}` };
    },
  };
}
