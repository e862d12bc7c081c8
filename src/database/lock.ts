import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { databaseError } from './errors.ts';

export interface DirectoryLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Start time of the process, so that a recycled pid is not mistaken for the holder; '' where unknown. */
  readonly started: string;
}

/** Tries after which a lock file that keeps changing hands counts as held. */
const ATTEMPTS = 5;

/**
 * One process per embedded database: a second one would corrupt it. The lock of a process that died (kill -9, power
 * cut) is taken over. Taking it is one hard link of a complete file, so nobody ever reads half a lock.
 * @throws DATABASE_IN_USE
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const mine: Holder = { pid: process.pid, started: startTime(process.pid) };
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(aside, `${JSON.stringify(mine)}\n`);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await linked(aside, path)) return { release: () => rm(path, { force: true }) };
      const holder = await readHolder(path);
      if (holder !== undefined && isAlive(holder)) throw inUse(path, holder);
      // Moving it away first makes one of several takers win: only one rename of the dead lock succeeds.
      await rename(path, `${aside}.stale`).then(
        () => rm(`${aside}.stale`, { force: true }),
        () => undefined,
      );
    }
    throw inUse(path, await readHolder(path));
  } finally {
    await rm(aside, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    if (typeof value.pid !== 'number' || typeof value.started !== 'string') return undefined;
    return { pid: value.pid, started: value.started };
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startTime(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** Boot id and field 22 of /proc/PID/stat (proc(5)): start in ticks since boot. '' without procfs. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return '';
  }
}

function inUse(path: string, holder: Holder | undefined): Error {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  return databaseError('DATABASE_IN_USE', `${dirname(path)} is in use by ${who}`, {
    hint: 'If that is `heraklit serve`, ask it over HTTP (default http://127.0.0.1:8080); else wait for it or end it.',
    details: { lock: path, pid: holder?.pid },
  });
}
