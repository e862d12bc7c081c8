import type { Clock } from '../base/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import { emit } from '../events/index.ts';
import type { Digest } from '../oci/index.ts';
import { quarantine } from '../publish/index.ts';
import type { RolloutOutcome } from '../runtime/index.ts';
import { rolloutEvent } from './events.ts';

/** A digest that runs, and what the reference it was released under means now. */
export interface Supersession {
  readonly from: Digest;
  readonly to: Digest;
  readonly reference: string;
}

/** For which of these digests a reference that once meant them means another image now. */
export async function supersessions(
  reader: DatabaseReader,
  digests: readonly Digest[],
): Promise<readonly Supersession[]> {
  if (digests.length === 0) return [];
  const rows = await reader
    .selectFrom('image as old')
    .innerJoin('image_reference as then', 'then.image', 'old.id')
    .innerJoin('image_reference as now', 'now.reference', 'then.reference')
    .innerJoin('image as new', 'new.id', 'now.image')
    .select(['old.digest as from', 'new.digest as to', 'now.reference as reference'])
    .distinct()
    .where('old.digest', 'in', [...digests])
    .where('then.until', 'is not', null)
    .where('now.until', 'is', null)
    .whereRef('new.id', '<>', 'old.id')
    .orderBy('old.digest')
    .orderBy('now.reference')
    .execute();
  return rows.map((row) => ({ from: row.from as Digest, to: row.to as Digest, reference: row.reference }));
}

export interface OpenRollout {
  readonly row: number;
  /** True when a process that died had begun it. */
  readonly resumed: boolean;
  readonly previous: string;
  /** Some of it was in place when that process died. */
  readonly step: number | undefined;
}

/** The unfinished rollout of this digest to this slot, or a new one. */
export async function beginRollout(
  trx: DatabaseTransaction,
  slot: {
    readonly workload: string;
    readonly container: string;
    readonly digest: Digest;
    readonly image: string;
    readonly previous: string;
    readonly previousDigest: Digest | undefined;
    readonly campaign: number;
  },
  clock: Clock,
): Promise<OpenRollout> {
  const { campaign, previousDigest, ...columns } = slot;
  const open = await trx
    .selectFrom('rollout')
    .select(['id', 'previous', 'step'])
    .where('workload', '=', slot.workload)
    .where('container', '=', slot.container)
    .where('digest', '=', slot.digest)
    .where('finished', 'is', null)
    .executeTakeFirst();
  if (open !== undefined) {
    await trx.updateTable('rollout').set({ campaign }).where('id', '=', open.id).execute();
    return { row: open.id, resumed: true, previous: open.previous, step: open.step ?? undefined };
  }
  const made = await trx
    .insertInto('rollout')
    .values({
      ...{ ...columns, campaign, previous_digest: previousDigest ?? null },
      ...{ started: new Date(clock.now()), interrupted: false },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { row: made.id, resumed: false, previous: slot.previous, step: undefined };
}

export interface FinishedRollout {
  readonly workload: string;
  readonly container: string;
  readonly image: string;
  readonly digest: Digest;
  readonly outcome: Exclude<RolloutOutcome, { kind: 'proposed' }>;
}

/** Nothing is changed before somebody agrees elsewhere: the row stays open, and says what it waits for. */
export async function proposeRollout(trx: DatabaseTransaction, open: OpenRollout, proposed: string): Promise<void> {
  await trx.updateTable('rollout').set({ proposed }).where('id', '=', open.row).where('finished', 'is', null).execute();
}

/** Row, quarantine and events together: none without the others. */
export async function finishRollout(
  trx: DatabaseTransaction,
  open: OpenRollout,
  finished: FinishedRollout,
  clock: Clock,
): Promise<void> {
  const { workload, container, image, digest, outcome } = finished;
  const reason = 'reason' in outcome ? outcome.reason : '';
  // The process that replaced it died before it could say so: the change is real and is announced now.
  const kind = outcome.kind === 'unchanged' && open.resumed ? 'rolledout' : outcome.kind;
  const milliseconds = outcome.kind === 'unchanged' ? 0 : outcome.milliseconds;
  const interrupted = outcome.kind === 'unchanged' ? false : outcome.interrupted;
  await trx
    .updateTable('rollout')
    .set({
      finished: new Date(clock.now()),
      outcome: kind,
      reason: reason || null,
      interrupted,
      milliseconds: Math.round(milliseconds),
    })
    .where('id', '=', open.row)
    .execute();
  // Overtaken: who set the other image knows; the next survey reads what runs.
  if (kind === 'unchanged' || kind === 'overtaken') return;
  const data = { digest, image, workload, container, previous: open.previous, reason, interrupted, milliseconds };
  await emit(trx, rolloutEvent(kind, open.row, data), clock);
  if (kind === 'rolledout') {
    await trx
      .updateTable('workload')
      .set({ image, digest })
      .where('id', '=', workload)
      .where('container', '=', container)
      .execute();
  }
  if (outcome.kind === 'rolledback' && outcome.blame === 'image') {
    await quarantine(trx, { digest, image, foundBy: workload, reason }, clock);
  }
}

/** Nothing was replaced: no outcome, no event. */
export async function abandonRollout(trx: DatabaseTransaction, open: OpenRollout): Promise<void> {
  await trx.deleteFrom('rollout').where('id', '=', open.row).where('finished', 'is', null).execute();
}

/** It ended without an outcome of its own. */
export async function closeSlot(
  trx: DatabaseTransaction,
  row: number,
  outcome: string,
  reason: string,
  clock: Clock,
): Promise<void> {
  const ended = { finished: new Date(clock.now()), outcome, reason };
  await trx.updateTable('rollout').set(ended).where('id', '=', row).where('finished', 'is', null).execute();
}
