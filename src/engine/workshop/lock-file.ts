import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/index.ts';
import { formatLocks, type Lock, parseLocks } from '../../build/index.ts';

async function readLocks(file: string): Promise<readonly Lock[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? [] : parseLocks(text, file);
}

/** The lock for an architecture; undefined where there is none. @throws COMPOSE_LOCK_INVALID */
export async function readLock(file: string, architecture: string): Promise<Lock | undefined> {
  return (await readLocks(file)).find((lock) => lock.architecture === architecture);
}

/** Writes the lock, beside those of other architectures, unless the file says the same already. */
export async function keepLock(file: string, lock: Lock): Promise<void> {
  const others = (await readLocks(file)).filter(({ architecture }) => architecture !== lock.architecture);
  const text = formatLocks([...others, lock]);
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFileAtomic(file, text);
}
