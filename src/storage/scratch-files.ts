import { access, mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerState, ownerToken } from './owner.ts';

/** Files of owners we cannot ask (another machine, an earlier boot) are leftovers when untouched for this long, in ms. */
export const ABANDONED_AFTER = 24 * 3_600_000;

export const scratchFolder = (directory: string): string => join(directory, '.scratch');

/** A fresh name in the scratch folder, which exists then. */
export async function scratchPath(directory: string): Promise<string> {
  const folder = scratchFolder(directory);
  // Asking is cheaper than `mkdir -p`, and nearly always enough.
  await access(folder).catch(() => mkdir(folder, { recursive: true }));
  return join(folder, ownerToken());
}

/** Takes the scratch folder out of a layout that is handed over to other tools; stays where somebody uses it. */
export async function removeScratchFolder(directory: string): Promise<void> {
  await rmdir(scratchFolder(directory)).catch(() => undefined);
}

/** Removes what dead processes left. The folder is made when it is first needed, so that a layout only read has none. */
export async function prepareScratch(directory: string, now: number): Promise<void> {
  const folder = scratchFolder(directory);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const state = ownerState(name);
    if (state === 'alive') continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    if (state === 'dead' || now - found.mtimeMs > ABANDONED_AFTER) await rm(path, { force: true, recursive: true });
  }
}
