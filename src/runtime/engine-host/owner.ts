import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Label, type Labels } from './labels.ts';
import type { Scratch, ScratchApi } from './scratch.ts';

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
/** Seconds after its deadline until what a process elsewhere owns counts as left behind: clocks differ. */
const CLOCK_SKEW = 300;

/** Labels of what this process may throw away. @param deadline when it is sure to be done with it, ms since the epoch */
export async function ownerLabels(deadline: number): Promise<Labels> {
  return { [Label.owner]: await ownerOfThisProcess(), [Label.deadline]: String(Math.ceil(deadline / 1000)) };
}

/**
 * Whether something was left behind: its process has ended, or, where that cannot be seen from here, its deadline has
 * passed, or it is a day old. Anything without an owner is nobody's throw-away.
 */
export async function isLeftover({ labels, created }: Omit<Scratch, 'id'>): Promise<boolean> {
  const owner = labels[Label.owner];
  if (owner === undefined) return false;
  const alive = await isAlive(owner);
  if (alive !== undefined) return !alive;
  const now = Date.now() / 1000;
  const deadline = Number(labels[Label.deadline]);
  return Number.isFinite(deadline) ? now > deadline + CLOCK_SKEW : created !== undefined && now - created > FORGOTTEN;
}

/**
 * Removes throw-away containers, networks and volumes whose owner on this host is gone (killed with SIGKILL): call it at
 * start. Engines are shared: those of other machines are left until their deadline, or for a day.
 * @returns how many were removed
 */
export async function reapLeftovers(api: ScratchApi): Promise<number> {
  let removed = 0;
  // Containers first: they hold the others.
  for (const [all, remove] of [
    [await api.containers(Label.owner), api.removeContainer],
    [await api.networks(Label.owner), api.removeNetwork],
    [await api.volumes(Label.owner), api.removeVolume],
  ] as const) {
    for (const one of all) {
      if (!(await isLeftover(one))) continue;
      await remove(one.id);
      removed += 1;
    }
  }
  return removed;
}
