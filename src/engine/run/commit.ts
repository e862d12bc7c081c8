import { sql } from 'kysely';
import type { Clock } from '../../base/index.ts';
import type { Database, DatabaseTransaction } from '../../database/index.ts';
import { emit } from '../../events/index.ts';
import {
  type Publisher,
  publishCandidates,
  quarantine,
  quarantinedAmong,
  releaseImages,
  restoreTag,
} from '../../publish/index.ts';
import { runEvent, taskEvent } from '../events.ts';
import type { Outcome } from '../outcome.ts';
import type { JobQueue } from '../queue/queue.ts';
import { jobOf, type Task } from '../task.ts';
import { cascade } from './cascade.ts';
import { recordReleased, recordRestored, recordTried } from './fleet-store.ts';
import { type Effects, placeOf, settle } from './settle.ts';
import { keyOf, loadTasks, saveTasks } from './task-store.ts';

export interface CommitContext {
  readonly database: Database;
  readonly queue: JobQueue;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** Releases are rolled out here. */
  readonly rollout: boolean;
}

/**
 * Makes outcomes state: task rows, tags, fleet, quarantine, events, finished and next jobs, in one transaction. An
 * outcome that comes a second time (its first worker was thought dead) finds the task moved on and changes nothing.
 */
export async function commitOutcomes(context: CommitContext, outcomes: readonly Outcome[]): Promise<void> {
  await context.database.transaction(async (trx) => {
    await lockRuns(trx, outcomes);
    const current = await loadTasks(
      trx,
      outcomes.map((outcome) => outcome.task),
      true,
    );
    const now = new Date(context.clock.now());
    const live = outcomes.flatMap((outcome) => {
      const task = current.get(keyOf(outcome.task));
      return outcome.kind === 'stale' || !isCurrent(outcome, task) ? [] : [{ outcome, task }];
    });
    const refused = await refusedCandidates(trx, live);
    const settled = live.map(({ outcome, task }) =>
      settle(task, refused.get(outcome) ?? outcome, { now, rollout: context.rollout }),
    );
    const followed = await cascade(trx, settled, now);
    await write(trx, context, settled, followed);
    await context.queue.complete(
      trx,
      outcomes.filter((outcome) => outcome.kind !== 'began').map((outcome) => outcome.job),
    );
    await finishRuns(trx, [...settled, ...followed], now);
  });
}

/** One committer at a time for a run: else two that finish its last two tasks would each leave it open. */
async function lockRuns(trx: DatabaseTransaction, outcomes: readonly Outcome[]): Promise<void> {
  const runs = [...new Set(outcomes.map((outcome) => outcome.task.run))];
  await sql`select id from run where id = any(${sql.val(runs)}::text[]) order by id for update`.execute(trx);
}

function isCurrent(outcome: Outcome, task: Task | undefined): task is Task {
  return task !== undefined && task.step === outcome.job.data.step && task.attempt === outcome.task.attempt;
}

/** Built again bit for bit, a quarantined image is as bad as it was. */
async function refusedCandidates(
  trx: DatabaseTransaction,
  live: readonly { readonly outcome: Outcome }[],
): Promise<ReadonlyMap<Outcome, Extract<Outcome, { kind: 'failed' }>>> {
  const built = live.flatMap(({ outcome }) => (outcome.kind === 'built' ? [outcome] : []));
  const reasons = await quarantinedAmong(
    trx,
    built.map((outcome) => outcome.built.descriptor.digest),
  );
  return new Map(
    built.flatMap((outcome) => {
      const reason = reasons.get(outcome.built.descriptor.digest)?.reason;
      if (reason === undefined) return [];
      const { job, task } = outcome;
      return [
        [outcome, { kind: 'failed', job, task, status: 'failed', reason: `the result is quarantined: ${reason}` }],
      ];
    }),
  );
}

async function write(
  trx: DatabaseTransaction,
  context: CommitContext,
  settled: readonly Effects[],
  followed: readonly Effects[],
): Promise<void> {
  const effects = [...settled, ...followed];
  const waits = new Set(followed.map((one) => one.task));
  const { publisher, queue } = context;
  await saveTasks(
    trx,
    effects.map((one) => one.task),
  );
  await publishCandidates(
    trx,
    publisher,
    effects.flatMap((one) => one.candidate ?? []),
  );
  await releaseImages(
    trx,
    publisher,
    effects.flatMap((one) => one.release ?? []),
  );
  const said = effects.flatMap((one) => one.attached ?? []);
  if (said.length > 0) await publisher.catalogue.publishMany(said, { trx });
  const ended = (ending: Effects['ending']): readonly Task[] =>
    effects.filter((one) => one.ending === ending).map((one) => one.task);
  const released = effects.filter((one) => one.release !== undefined).map((one) => one.task);
  await recordReleased(trx, [...released, ...ended('unchanged')]);
  for (const one of effects) if (one.restore !== undefined) await recordRestored(trx, one.task);
  await recordTried(trx, ended('unchanged'), 'unchanged');
  await recordTried(
    trx,
    // One that never began because its base failed was not tried.
    ended('failed').filter((task) => !waits.has(task)),
    'failed',
  );
  for (const one of effects) {
    if (one.bad !== undefined) await quarantine(trx, one.bad, context.clock);
    if (one.restore === undefined) continue;
    if (one.restore.tag !== undefined) await restoreTag(trx, publisher, placeOf(one.task), one.restore.tag);
  }
  await emit(
    trx,
    effects.flatMap((one) => [...(one.events ?? []), taskEvent(one.task)]),
    context.clock,
  );
  await queue.enqueue(
    trx,
    effects.flatMap(({ task, next }) => {
      if (next === undefined) return [];
      const job = jobOf(task, next.step);
      return [next.delay === undefined ? job : { ...job, delay: next.delay }];
    }),
  );
}

async function finishRuns(trx: DatabaseTransaction, effects: readonly Effects[], now: Date): Promise<void> {
  for (const run of new Set(effects.filter((one) => one.task.step === null).map((one) => one.task.run))) {
    const { rows } = await sql<{ fleet: string }>`update run set status = 'done', finished = ${now.toISOString()}
      where id = ${run} and status = 'running'
        and not exists (select from task where run = ${run} and (step is not null or status = 'blocked'))
      returning fleet`.execute(trx);
    const fleet = rows[0]?.fleet;
    if (fleet !== undefined) await emit(trx, runEvent(run, fleet, 'finished', await countTasks(trx, run)));
  }
}

async function countTasks(trx: DatabaseTransaction, run: string): Promise<Record<string, number>> {
  const { rows } = await sql<{ status: string; count: number }>`
    select status, count(*)::integer as count from task where run = ${run} group by status order by status`.execute(
    trx,
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}
