import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerState, ownerToken } from './owner.ts';

/** Files of owners we cannot ask (another machine, an earlier boot) are leftovers when untouched for this long, in ms. */
export const ABANDONED_AFTER = 24 * 3_600_000;

export const scratchFolder = (directory: string): string => join(directory, '.scratch');

export const scratchPath = (directory: string): string => join(scratchFolder(directory), ownerToken());

/** Creates the scratch folder and removes what dead processes left in it. */
export async function prepareScratch(directory: string, now: number): Promise<void> {
  const folder = scratchFolder(directory);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const state = ownerState(name);
    if (state === 'alive') continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    if (state === 'dead' || now - found.mtimeMs > ABANDONED_AFTER) await rm(path, { force: true, recursive: true });
  }
}
