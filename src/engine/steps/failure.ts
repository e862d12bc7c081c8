import { asCodedError, HeraklitError, messageOf } from '../../base/index.ts';
import type { EngineContext } from '../context.ts';
import type { Outcome } from '../outcome.ts';
import type { QueuedJob } from '../queue/queue.ts';
import type { Task, TaskStatus } from '../task.ts';

/** Codes that say the dependencies cannot be met: `unresolvable` in OBS's words, not a failed build. */
const UNRESOLVABLE = /^SOLVE|UNSATISFIABLE|_PACKAGE_UNKNOWN$|_UNRESOLVABLE$/;

/** What a thrown error means for the task: another attempt where that can help, else how it ends. */
export function failureOf(context: EngineContext, job: QueuedJob, task: Task, thrown: unknown): Outcome {
  const error = asCodedError(thrown);
  const coded = error instanceof HeraklitError ? error : undefined;
  const reason = coded === undefined ? messageOf(error) : `${coded.code}: ${coded.message}`;
  if (coded?.retryable === true && task.attempt + 1 < context.attempts) {
    return { kind: 'retry', job, task, reason, delay: (context.retryDelay * 2 ** task.attempt) / 1000 };
  }
  return { kind: 'failed', job, task, reason, status: statusOf(coded) };
}

function statusOf(error: HeraklitError | undefined): TaskStatus {
  if (error === undefined) return 'failed';
  if (UNRESOLVABLE.test(error.code)) return 'unresolvable';
  return error.kind === 'usage' ? 'broken' : 'failed';
}
