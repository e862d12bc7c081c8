import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** True, and the test skipped, where a tool is not installed; CI counts such a skip as a failure. */
export function isMissing(context: TestContext, ...tools: readonly string[]): boolean {
  const absent = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (absent !== undefined) context.skip(`${absent} not installed`);
  return absent !== undefined;
}

/** Options that give podman and buildah storage below a folder, so that nothing on the machine is touched. */
export function storageBelow(folder: string): readonly string[] {
  const driver = process.getuid?.() === 0 ? 'overlay' : 'vfs';
  return ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', driver];
}

/** What containers/storage leaves mounted below that folder. */
export function unmountStorage(folder: string): void {
  spawnSync('umount', [join(folder, 'storage', 'overlay')]);
}
