import { createHash, randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAlive, ownerOfThisProcess } from '../engine-host/owner.ts';
import type { RolloutBlame, TrafficSplit } from '../strategy.ts';
import type { WorkloadObject } from './objects.ts';

/** On the workload while a rollout is under way: whose it is and how far, so that another process can take it up. */
export const CLAIM = 'io.heraklit.rollout';
/** A foreign annotation is hostile: longer ones are not ours. */
const LONGEST = 16_384;

/** `steps`: beside each other. `switched`: blue-green after the switch. `promoting`: the workload itself is changed. `back`: taken back. */
export type ClaimPhase = 'steps' | 'switched' | 'promoting' | 'back';

export interface Claim {
  readonly version: 1;
  readonly container: string;
  readonly image: string;
  /** As it was configured when the rollout began. */
  readonly from: string;
  /** What is put back: the same, by digest where that is known. */
  readonly previous: string;
  readonly strategy: 'rolling' | 'canary' | 'blueGreen';
  readonly phase: ClaimPhase;
  /** Index of the step that is under way or held. */
  readonly step: number;
  readonly traffic?: TrafficSplit;
  readonly service?: string;
  readonly previewService?: string;
  /** Selectors that were switched, as they were. */
  readonly selectors?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The label in which the copies differ, so that the switch reaches them alone. */
  readonly detached?: { readonly key: string; readonly value: string };
  /** Of a StatefulSet: the partition that was there before. */
  readonly partition?: number;
  /** Of a workload that is smaller for a while: its copies before, and each number that was set in their place. */
  readonly replicas?: number;
  readonly fewer?: readonly number[];
  /** Why it is taken back. */
  readonly reason?: string;
  readonly blame?: RolloutBlame;
  /** `<host>/<process>/<call>`; empty: let go. */
  readonly holder: string;
  /** Changes while the holder lives. Never compared with a clock: clocks of two machines differ. */
  readonly renewed: number;
  /** Milliseconds after which the holder says again that it lives. */
  readonly every: number;
}

const calls = new Set<string>();

/** Machine and pid namespace: what a process id means something within. */
async function hostOfThisProcess(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const pids = await readlink('/proc/self/ns/pid').catch(() => '');
  return createHash('sha256').update(`${hostname()}\n${boot}\n${pids}`).digest('hex').slice(0, 12);
}

/** A name for one call of this process; `end` when the call is over. */
export async function newHolder(): Promise<{ readonly name: string; end(): void }> {
  const call = randomUUID().slice(0, 8);
  calls.add(call);
  return {
    name: `${await hostOfThisProcess()}/${await ownerOfThisProcess()}/${call}`,
    end: () => void calls.delete(call),
  };
}

/** `dead`: known to be over. `alive`: known to run. `unknown`: of another machine, so only time tells. */
export async function holderState(holder: string): Promise<'dead' | 'alive' | 'unknown'> {
  if (holder === '') return 'dead';
  const [host, owner = '', call = ''] = holder.split('/');
  if (host !== (await hostOfThisProcess())) return 'unknown';
  if (owner === (await ownerOfThisProcess())) return calls.has(call) ? 'alive' : 'dead';
  return (await isAlive(owner)) ? 'alive' : 'dead';
}

const PHASES: readonly string[] = ['steps', 'switched', 'promoting', 'back'] satisfies readonly ClaimPhase[];

/** A number of copies that nobody sensible has is nothing we wrote. */
const MOST_COPIES = 100_000;

const isCount = ({ replicas = 0, fewer = [] }: Claim): boolean =>
  Array.isArray(fewer) && [replicas, ...fewer].every((one) => Number.isInteger(one) && one >= 0 && one <= MOST_COPIES);

/** Undefined where there is none, or one that we did not write. */
export function claimOf(object: WorkloadObject): Claim | undefined {
  const text = object.metadata.annotations?.[CLAIM];
  if (text === undefined || text.length > LONGEST) return undefined;
  try {
    const claim = JSON.parse(text) as Claim;
    const strings = [claim.container, claim.image, claim.from, claim.previous, claim.holder];
    const whole = strings.every((one) => typeof one === 'string') && Number.isInteger(claim.step);
    return claim.version === 1 && whole && isCount(claim) && PHASES.includes(claim.phase) ? claim : undefined;
  } catch {
    return undefined;
  }
}
