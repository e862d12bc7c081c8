import { readFile } from 'node:fs/promises';
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

/** Value of the owner label of this process. */
export async function ownerOfThisProcess(): Promise<string> {
  return `${process.pid}:${(await startTime(process.pid)) ?? '0'}`;
}

export async function isAlive(owner: string): Promise<boolean> {
  const match = /^(\d+):(\d+)$/.exec(owner);
  if (match === null) return false;
  return (await startTime(Number(match[1]))) === match[2];
}

/**
 * Removes throw-away containers whose owner on this host is gone (killed with SIGKILL): call it at start.
 * @returns how many were removed
 */
export async function reapLeftovers(api: EngineApi): Promise<number> {
  let removed = 0;
  for (const { Id, Labels } of await api.list([Label.owner])) {
    const owner = Labels?.[Label.owner];
    if (owner === undefined || (await isAlive(owner))) continue;
    await api.remove(Id);
    removed += 1;
  }
  return removed;
}
