import { createHash } from 'node:crypto';
import type { TaskTable } from '../database/index.ts';
import type { Alternative, Strategy } from '../plan/index.ts';
import type { QueuedJob, QueueName } from './queue/queue.ts';

/** Words of the Open Build Service. */
export type TaskStatus =
  /** Waits for a free place. */
  | 'scheduled'
  /** Waits for its base. */
  | 'blocked'
  | 'building'
  /** Built and published by digest; not verified yet. */
  | 'finished'
  /** Verified and released. */
  | 'succeeded'
  | 'failed'
  /** The result is what was there already. */
  | 'unchanged'
  /** Cannot be built: dependencies do not resolve, or the base failed. */
  | 'unresolvable'
  /** The recipe itself is wrong. */
  | 'broken'
  /** The fleet's policy allows no strategy that could make it. */
  | 'excluded'
  | 'disabled'
  | 'locked';

export type TaskStep = 'build' | 'verify' | 'rollout';

/** Reads a row's columns as the unions that were written. */
export interface Task extends Omit<TaskTable, 'status' | 'strategy'> {
  readonly status: TaskStatus;
  readonly strategy: Strategy;
}

/** A rebase takes milliseconds, any other build seconds: apart, so that many rebases are taken at once. */
export function queueOf(step: TaskStep, strategy: Strategy): QueueName {
  if (step !== 'build') return step;
  return strategy === 'rebase' ? 'rebase' : 'build';
}

/** The job of a task's next step. Its id says what it is for, so that the same one is never queued twice. */
export function jobOf(task: Pick<Task, 'run' | 'image' | 'strategy' | 'attempt'>, step: TaskStep): QueuedJob {
  const { run, image, attempt } = task;
  return {
    queue: queueOf(step, task.strategy),
    id: uuidOf(`${run}\n${image}\n${step}\n${attempt}`),
    data: { run, image, step },
  };
}

/** A version 8 UUID (RFC 9562: own content) of a text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Strategies that the plan did not take for a task, in the order they would be tried. */
export const alternativesOf = ({ alternatives }: Pick<Task, 'alternatives'>): readonly Alternative[] =>
  JSON.parse(alternatives ?? '[]') as readonly Alternative[];

/** The same once some were tried: the taken one is none any more, those that refused say why. */
export function alternativesAfter(
  task: Pick<Task, 'alternatives'>,
  passedOver: readonly { readonly strategy: Strategy; readonly because: string }[] = [],
  taken?: Strategy,
): string | null {
  if (passedOver.length === 0) return task.alternatives;
  const refused = passedOver.map((one): Alternative => ({ ...one, verdict: 'refused' }));
  const tried = new Set([...refused.map((one) => one.strategy), taken]);
  return JSON.stringify([...refused, ...alternativesOf(task).filter((one) => !tried.has(one.strategy))]);
}
