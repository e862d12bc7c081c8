import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Digest, parseDigest } from '../../src/oci/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';

const run = promisify(execFile);

/** A scratch podman storage of its own; nothing of the machine's containers is touched. */
export interface PodmanScratch {
  readonly arguments: readonly string[];
  readonly directory: string;
  /** An image whose only program is busybox: `command` runs with /www/index.html holding `content`. */
  image(
    name: string,
    content: string,
    command: readonly string[],
    changes?: readonly string[],
  ): Promise<ImageUnderTest>;
  podman(...argv: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** Serves /www on $PORT and ends at SIGTERM (busybox as process 1 would ignore it). */
export const SERVE = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; /bin/busybox httpd -f -p $PORT -h /www & wait'];

async function staticBusybox(directory: string): Promise<string> {
  await run('apt-get', ['download', '-qq', 'busybox-static'], { cwd: directory });
  const [deb] = (await readdir(directory)).filter((name) => name.endsWith('.deb'));
  await run('dpkg-deb', ['-x', join(directory, deb as string), join(directory, 'busybox')]);
  return join(directory, 'busybox/bin/busybox');
}

/** @returns why not, where podman or busybox-static cannot be had */
export async function podmanScratch(): Promise<PodmanScratch | { readonly skip: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-podman-'));
  const storage = ['--runtime', 'runc', '--storage-driver', 'overlay'];
  const engine = [...storage, '--root', join(directory, 'root'), '--runroot', join(directory, 'runroot')];
  const podman = async (...argv: readonly string[]): Promise<string> =>
    (await run('podman', [...engine, ...argv])).stdout;
  const close = async (): Promise<void> => {
    await podman('rm', '--all', '--force', '--time', '0').catch(() => '');
    await podman('rmi', '--all', '--force').catch(() => '');
    await run('umount', [join(directory, 'root/overlay')]).catch(() => '');
    await rm(directory, { recursive: true, force: true });
  };
  for (const tool of ['podman', 'runc']) {
    const missing = await run(tool, ['--version']).then(
      () => false,
      () => true,
    );
    if (missing) {
      await close();
      return { skip: `${tool} not installed` };
    }
  }
  let busybox: string;
  try {
    busybox = await staticBusybox(directory);
  } catch {
    await close();
    return { skip: 'busybox-static not installed and cannot be downloaded' };
  }
  const image = async (
    name: string,
    content: string,
    command: readonly string[],
    changes: readonly string[] = [],
  ): Promise<ImageUnderTest> => {
    const root = join(directory, 'rootfs');
    for (const folder of ['bin', 'www', 'tmp']) await mkdir(join(root, folder), { recursive: true });
    await copyFile(busybox, join(root, 'bin/busybox'));
    await chmod(join(root, 'bin/busybox'), 0o755);
    await writeFile(join(root, 'www/index.html'), content);
    const archive = join(directory, `${name}.tar`);
    await run('tar', ['-C', root, '-cf', archive, '.']);
    const repository = `localhost/${name}`;
    const given = [`CMD ${JSON.stringify(command)}`, ...changes].flatMap((change) => ['--change', change]);
    await podman('import', '--quiet', ...given, archive, `${repository}:1`);
    await rm(archive);
    const read = JSON.parse(await podman('image', 'inspect', `${repository}:1`)) as [{ Digest: string }];
    const digest: Digest = parseDigest(read[0].Digest);
    return { image: `${repository}@${digest}`, digest };
  };
  return { arguments: engine, directory, image, podman, close };
}
