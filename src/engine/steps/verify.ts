import { NOTHING_ATTACHED } from '../../publish/index.ts';
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
  const { signing } = context.ports;
  if (verification.kind === 'rejected') {
    const { reason, event, tests } = verification;
    const said = signing === undefined || tests === undefined ? undefined : signing.reject(candidate, tests, signal);
    return { kind: 'rejected', job, task, candidate, reason, event, attached: (await said) ?? NOTHING_ATTACHED };
  }
  const { checks, event, report } = verification;
  const attached = signing === undefined ? NOTHING_ATTACHED : await signing.sign(candidate, checks, signal, report);
  return { kind: 'verified', job, task, candidate, checks, attached, event };
}

export function candidateOf(task: Task): CandidateImage {
  // Written by `settle` in the transaction that set the step.
  const { descriptor, summary, statements = [] } = JSON.parse(task.result as string) as BuildResult;
  return { ...placeOf(task), descriptor, statements, summary, previous: previousOf(task) };
}
