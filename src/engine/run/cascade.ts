import type { DatabaseTransaction } from '../../database/index.ts';
import type { Task } from '../task.ts';
import { type Effects, unchanged } from './settle.ts';
import { loadWaiting } from './task-store.ts';

/**
 * What the end of tasks means for those that wait for them: a released base frees its children, an unchanged one ends
 * those that had no need of their own, a failed one makes its children unresolvable; and so on up the lineage.
 */
export async function cascade(
  trx: DatabaseTransaction,
  ended: readonly Effects[],
  now: Date,
): Promise<readonly Effects[]> {
  const all: Effects[] = [];
  let front = ended.filter((one) => one.ending !== undefined);
  while (front.length > 0) {
    const bases = new Map(front.map((one) => [`${one.task.run}\n${one.task.image}`, one]));
    const waiting = await loadWaiting(
      trx,
      front.map((one) => one.task),
    );
    const effects = waiting.map((task) => follow(task, bases.get(`${task.run}\n${task.base}`) as Effects, now));
    all.push(...effects);
    front = effects.filter((one) => one.ending !== undefined);
  }
  return all;
}

function follow(waiting: Task, base: Effects, now: Date): Effects {
  const task = { ...waiting, updated: now };
  if (base.ending === 'failed') {
    const error = `its base ${waiting.base} is ${base.task.status}: ${base.task.error ?? ''}`;
    return { task: { ...task, status: 'unresolvable', step: null, error }, ending: 'failed' };
  }
  if (base.ending === 'unchanged' && !waiting.own_need) {
    return unchanged({ ...task, base_digest: base.task.digest }, `its base ${waiting.base} did not change`);
  }
  return { task: { ...task, status: 'scheduled', step: 'build' }, next: { step: 'build' } };
}
