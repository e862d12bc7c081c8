import { HeraklitError, messageOf, silentLog, systemClock } from '../../base/index.ts';
import type { RolloutOutcome } from '../../runtime/index.ts';
import { quarantineReason } from '../quarantine.ts';
import { closeSlot } from '../store.ts';
import type { CarryContext } from './context.ts';
import { factsOf, type Known } from './facts.ts';
import { takeLease } from './lease.ts';
import { nextMove } from './next-move.ts';
import type { Campaign } from './record.ts';
import { rollStage } from './stage.ts';
import { type CampaignPatch, changeCampaign, ITSELF, readCampaign } from './store.ts';
import { tagsBack } from './tags.ts';

export type Carried =
  | {
      readonly kind: 'carried';
      /** Ended, or waiting for something that takes time. */
      readonly campaign: Campaign;
      /** Of this call. */
      readonly outcomes: readonly RolloutOutcome[];
      readonly skipped: readonly string[];
    }
  /** Another process is at it. */
  | { readonly kind: 'held'; readonly by: string };

/** Milliseconds before the second attempt; doubles each time. */
const RETRY_MS = 10_000;
const MAX_RETRY_MS = 600_000;

/**
 * Carries a rollout on until it ends or has to wait. Killed at any moment and called again, by whatever process, it goes on
 * where it was: what was changed is known by what runs, what was said by rows.
 * @throws what runtimes throw, once attempts are used up; the rollout has then `failed`
 */
export async function carryCampaign(context: CarryContext, id: number): Promise<Carried> {
  const log = context.log ?? silentLog;
  const answer = await takeLease(context.database, id, log);
  if (answer.kind === 'held') return answer;
  const { lease } = answer;
  const signal = context.signal === undefined ? lease.signal : AbortSignal.any([context.signal, lease.signal]);
  try {
    return await carryOn({ ...context, signal }, id);
  } catch (error) {
    if (signal.aborted) throw error;
    return await settleError(context, id, error);
  } finally {
    // A lease that is not given back runs out by itself.
    await lease.release().catch((error) => log.warn(`rollout ${id}: ${messageOf(error)}`));
  }
}

async function carryOn(context: CarryContext, id: number): Promise<Carried> {
  const { database, clock = systemClock } = context;
  const outcomes: RolloutOutcome[] = [];
  let skipped: readonly string[] = [];
  const change = (patch: CampaignPatch): Promise<Campaign> =>
    database.transaction((trx) => changeCampaign(trx, id, () => patch, { actor: ITSELF, clock }));
  const carried = (campaign: Campaign): Carried => ({ kind: 'carried', campaign, outcomes, skipped });
  for (;;) {
    context.signal?.throwIfAborted();
    const known = await factsOf(database, id);
    const move = nextMove(known.facts, clock.now());
    switch (move.kind) {
      case 'stop':
        return carried(await handOver(context, known.campaign));
      case 'wait': {
        const { hold, reason, until = null } = move;
        return carried(await change({ state: 'waiting', hold, reason, until, carrier: 'loop' }));
      }
      case 'end':
        return carried(await end(context, known, move));
      case 'advance':
        await change({ stage: known.campaign.stage + 1, stageDone: null, hold: null, until: null, reason: '' });
        break;
      case 'roll':
      case 'undo': {
        const rolled = await rollStage(context, known, move.kind);
        outcomes.push(...rolled.outcomes);
        skipped = rolled.skipped;
        if (rolled.waits !== undefined) {
          const { hold, reason, until } = rolled.waits;
          return carried(await change({ state: 'waiting', hold, reason, until, carrier: 'loop' }));
        }
      }
    }
  }
}

/** Paused: whoever began it need not stand by. */
async function handOver({ database, clock = systemClock }: CarryContext, campaign: Campaign): Promise<Campaign> {
  if (campaign.state !== 'paused' || campaign.carrier === 'loop') return campaign;
  const patch = { carrier: 'loop' } as const;
  return await database.transaction((trx) => changeCampaign(trx, campaign.id, () => patch, { actor: ITSELF, clock }));
}

async function end(
  context: CarryContext,
  { campaign, facts, slots }: Known,
  { state, reason }: { readonly state: Campaign['state']; readonly reason: string },
): Promise<Campaign> {
  const { database, clock = systemClock, catalogue, undoRelease } = context;
  // Only what proved bad is taken back; what somebody aborted, or another image overtook, stays released.
  const bad = facts.quarantined !== undefined && state !== 'rolledout';
  const back = bad && catalogue !== undefined ? await tagsBack(catalogue, campaign) : undefined;
  const release = bad ? campaign : await condemnedRelease(context, campaign, state);
  const undo = release === undefined ? undefined : await undoRelease?.(release);
  return await database.transaction(async (trx) => {
    await back?.(trx);
    await undo?.(trx);
    // Proposals that nobody agreed to; they stay where they were made, and change nothing here any more.
    for (const { row, outcome, proposed } of slots) {
      if (outcome === undefined && proposed !== undefined) await closeSlot(trx, row, 'withdrawn', proposed, clock);
    }
    return await changeCampaign(trx, campaign.id, () => ({ state, reason }), { actor: ITSELF, clock });
  });
}

/** The way back of what a person condemned: its release goes, too, once what ran before runs again. */
async function condemnedRelease(
  { database }: CarryContext,
  campaign: Campaign,
  state: Campaign['state'],
): Promise<Campaign | undefined> {
  const { cause, previous, digest } = campaign;
  if (cause !== 'rollback' || state !== 'rolledout' || previous === undefined) return undefined;
  if ((await quarantineReason(database.kysely, previous)) === undefined) return undefined;
  return { ...campaign, digest: previous, previous: digest };
}

async function settleError(context: CarryContext, id: number, error: unknown): Promise<Carried> {
  const { database, clock = systemClock, attempts = 1, log = silentLog } = context;
  const { kysely } = database;
  const campaign = await readCampaign(kysely, id);
  const coded = error instanceof HeraklitError ? error : undefined;
  const reason = coded === undefined ? messageOf(error) : `${coded.code}: ${coded.message}`;
  const again = coded?.retryable === true && campaign.attempt + 1 < attempts;
  const later = clock.now() + Math.min(RETRY_MS * 2 ** campaign.attempt, MAX_RETRY_MS);
  const retry: CampaignPatch = { state: 'waiting', hold: 'retry', until: later, attempt: campaign.attempt + 1, reason };
  // What is being taken back is tried again by whoever looks next: it must not end half-way.
  const patch: CampaignPatch = again
    ? campaign.state === 'aborting'
      ? { reason }
      : retry
    : { state: 'failed', reason };
  const changed = await database.transaction((trx) => changeCampaign(trx, id, () => patch, { actor: ITSELF, clock }));
  if (!again && attempts === 1) throw error;
  log.warn(`rollout ${id} of ${campaign.name}: ${reason}`);
  return { kind: 'carried', campaign: changed, outcomes: [], skipped: [] };
}
