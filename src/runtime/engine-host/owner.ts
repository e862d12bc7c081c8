import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { EngineApi } from './api.ts';
import { Label } from './labels.ts';

/** Start time of a process in clock ticks since boot (proc(5), field 22): a pid alone is used again. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command name stands in parentheses and may hold blanks and parentheses itself.
  return text
    ?.slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .at(19);
}

/** Where pids mean what they mean to us: this boot of this machine, and this process namespace of it. */
async function machine(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return createHash('sha256').update(`${hostname()}\n${boot}\n${namespace}`).digest('hex').slice(0, 12);
}

/** Value of the owner label of this process. */
export async function ownerOfThisProcess(): Promise<string> {
  return `${process.pid}:${(await startTime(process.pid)) ?? '0'}:${await machine()}`;
}

/** Undefined: it is a process of another machine, or of another boot of this one. */
export async function isAlive(owner: string): Promise<boolean | undefined> {
  const match = /^(\d+):(\d+)(?::([0-9a-f]{12}))?$/.exec(owner);
  if (match === null) return false;
  if (match[3] !== undefined && match[3] !== (await machine())) return undefined;
  return (await startTime(Number(match[1]))) === match[2];
}

/** Seconds after which a throw-away container of a process that nobody here knows is nobody's. */
const FORGOTTEN = 24 * 3600;

/**
 * Removes throw-away containers whose owner on this host is gone (killed with SIGKILL): call it at start. Engines are
 * shared: those of other machines are left for a day.
 * @returns how many were removed
 */
export async function reapLeftovers(api: EngineApi): Promise<number> {
  let removed = 0;
  for (const { Id, Labels, Created } of await api.list([Label.owner])) {
    const owner = Labels?.[Label.owner];
    if (owner === undefined) continue;
    const alive = (await isAlive(owner)) ?? Date.now() / 1000 - (Created ?? 0) < FORGOTTEN;
    if (alive) continue;
    await api.remove(Id);
    removed += 1;
  }
  return removed;
}
