import { type EngineContext, timed } from '../context.ts';
import type { Outcome } from '../outcome.ts';
import type { QueuedJob } from '../queue/queue.ts';
import type { Task } from '../task.ts';
import { candidateOf } from './verify.ts';

/** Brings the released image to what runs it, and knows what to put back if that fails. */
export async function rolloutStep(
  context: EngineContext,
  job: QueuedJob,
  task: Task,
  signal: AbortSignal,
): Promise<Outcome> {
  const released = candidateOf(task);
  const { previous, repository } = released;
  const restore = previous === undefined ? undefined : await context.publisher.catalogue.resolve(repository, previous);
  const outcomes = await timed(
    context,
    'rollout',
    async () => (await context.ports.rollout?.rollout(released, signal)) ?? [],
  );
  return { kind: 'rolled', job, task, released, outcomes, restore };
}
