import { type EngineContext, timed } from '../context.ts';
import type { Outcome } from '../outcome.ts';
import type { CandidateImage } from '../ports.ts';
import type { QueuedJob } from '../queue/queue.ts';
import { type BuildResult, placeOf, previousOf } from '../run/settle.ts';
import type { Task } from '../task.ts';

/** Tests the candidate: release, or quarantine. */
export async function verifyStep(
  context: EngineContext,
  job: QueuedJob,
  task: Task,
  signal: AbortSignal,
): Promise<Outcome> {
  const candidate = candidateOf(task);
  const verification = await timed(context, 'verify', () => context.ports.verify.verify(candidate, signal));
  if (verification.kind === 'passed')
    return { kind: 'verified', job, task, candidate, checks: verification.checks, event: verification.event };
  return { kind: 'rejected', job, task, candidate, reason: verification.reason, event: verification.event };
}

export function candidateOf(task: Task): CandidateImage {
  // Written by `settle` in the transaction that set the step.
  const { descriptor, summary } = JSON.parse(task.result as string) as BuildResult;
  return { ...placeOf(task), descriptor, summary, previous: previousOf(task) };
}
