import type { DatabaseTransaction } from '../../database/index.ts';
import type { RenewalOutcome } from '../../runtime/index.ts';

/** Milliseconds after which a renewal whose process says nothing is somebody else's to carry on. */
const ABANDONED = 60 * 60_000;
/** Milliseconds until a renewal that failed is tried again. */
const RETRY = 24 * 60 * 60_000;

export type Turn =
  | {
      readonly kind: 'ours';
      readonly row: number;
      /** A process that died had begun it. */
      readonly resumed: boolean;
      readonly before: Date;
    }
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed before'; readonly reason: string };

/** One process renews a workload at a time, and none soon after it failed. */
export async function takeTurn(trx: DatabaseTransaction, workload: string, before: Date, now: Date): Promise<Turn> {
  const last = await trx
    .selectFrom('workload_renewal')
    .select(['id', 'started', 'finished', 'outcome', 'reason', 'before'])
    .where('workload', '=', workload)
    .orderBy('id', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (last !== undefined && last.finished === null) {
    if (now.getTime() - last.started.getTime() < ABANDONED) return { kind: 'busy' };
    await trx.updateTable('workload_renewal').set({ started: now }).where('id', '=', last.id).execute();
    return { kind: 'ours', row: last.id, resumed: true, before: last.before };
  }
  if (last?.outcome === 'failed' && last.finished !== null && now.getTime() - last.finished.getTime() < RETRY) {
    return { kind: 'failed before', reason: last.reason ?? '' };
  }
  const made = await trx
    .insertInto('workload_renewal')
    .values({ workload, before, started: now })
    .onConflict((conflict) => conflict.column('workload').where('finished', 'is', null).doNothing())
    .returning('id')
    .executeTakeFirst();
  return made === undefined ? { kind: 'busy' } : { kind: 'ours', row: made.id, resumed: false, before };
}

export async function endTurn(
  trx: DatabaseTransaction,
  row: number,
  outcome: RenewalOutcome | undefined,
  now: Date,
): Promise<void> {
  // Nothing was done: nothing to tell of.
  if (outcome === undefined || outcome.kind === 'unchanged' || outcome.kind === 'refused') {
    await trx.deleteFrom('workload_renewal').where('id', '=', row).execute();
    return;
  }
  const reason = 'reason' in outcome ? outcome.reason : null;
  await trx
    .updateTable('workload_renewal')
    .set({ finished: now, outcome: outcome.kind, reason })
    .where('id', '=', row)
    .execute();
}
