import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { storageError } from './errors.ts';
import { ownerState, ownerToken } from './owner.ts';

export interface LockOptions {
  /** Milliseconds to wait before giving up. */
  readonly wait: number;
  /** Milliseconds between looks. */
  readonly poll: number;
}

export const DEFAULT_LOCK: LockOptions = { wait: 30_000, poll: 5 };

/**
 * Runs `work` while holding a lock file; the lock of a process that died is broken.
 * @throws STORAGE_LOCKED when another process keeps it longer than we wait
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = DEFAULT_LOCK,
): Promise<T> {
  const token = ownerToken();
  const deadline = performance.now() + options.wait;
  while (!(await create(path, token))) {
    const holder = await readFile(path, 'latin1').catch(() => undefined);
    if (holder !== undefined && ownerState(holder) === 'dead') await breakLock(path, holder, token);
    else if (performance.now() > deadline) throw locked(path, options.wait);
    else await sleep(options.poll + Math.random() * options.poll);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Each lock has its own token, and only the winner of the claim file named after it may remove it: without that, a
 * second process that saw the dead holder could remove the lock of a third one that came in between.
 */
async function breakLock(path: string, holder: string, token: string): Promise<void> {
  const claim = `${path}.${holder.slice(-36)}.break`;
  if (!(await create(claim, token))) {
    const claimant = await readFile(claim, 'latin1').catch(() => undefined);
    if (claimant !== undefined && ownerState(claimant) === 'dead') await rm(claim, { force: true });
    else await sleep(1);
    return;
  }
  try {
    if ((await readFile(path, 'latin1').catch(() => undefined)) === holder) await rm(path, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
}

/** By hard link, so that the file has its token from the first moment it can be seen. */
async function create(path: string, token: string): Promise<boolean> {
  const aside = `${path}.${token}`;
  try {
    await writeFile(aside, token, { flag: 'wx' });
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function locked(path: string, wait: number): Error {
  return storageError('STORAGE_LOCKED', `another process has held ${path} for more than ${Math.round(wait / 1000)} s`, {
    hint: 'Wait for it to end; if no process uses the folder, remove that file.',
  });
}
