import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, silentLog } from '../../base/index.ts';
import { carryCampaign } from './carry.ts';
import type { CarryContext } from './context.ts';
import type { Campaign } from './record.ts';
import { listCampaigns, ROLLOUT_CHANNEL } from './store.ts';

/** Milliseconds between looks where nothing woke us. */
const LOOK_MS = 5_000;
/** A rollout that waits for nobody knows what is looked at again after this, changed or not. */
const LOOK_AGAIN_MS = 60_000;
/** One that could not even be settled (the database is away) is not taken up again sooner. */
const REST_MS = 10_000;
/** What wakes us comes in bursts. */
const GATHER_MS = 50;
/** Under way at once in one process. */
const MAX_CARRIED = 200;
const PAGE = 1_000;

interface Seen {
  /** Undefined: it could not be settled. */
  readonly updated: number | undefined;
  readonly at: number;
  readonly until: number | undefined;
}

/**
 * Carries on every rollout that waits, was resumed, or was left by a process that died, until `signal` is aborted. Any number of
 * processes may: each rollout is one's own at a time.
 */
export async function keepRollouts(context: CarryContext & { readonly signal: AbortSignal }): Promise<void> {
  const { database, signal, log = silentLog } = context;
  let wake = new AbortController();
  const unlisten = await database.listen(ROLLOUT_CHANNEL, () => wake.abort());
  const carried = new Map<number, Promise<void>>();
  const seen = new Map<number, Seen>();
  const begin = (campaign: Campaign): void => {
    const work = carryCampaign({ ...context, attempts: ATTEMPTS }, campaign.id)
      .then((result) => {
        const now = result.kind === 'held' ? campaign : result.campaign;
        seen.set(campaign.id, { updated: now.updated, until: now.until, at: Date.now() });
      })
      .catch((error) => {
        if (!signal.aborted) log.error(`rollout ${campaign.id} of ${campaign.name}: ${messageOf(error)}`);
        seen.set(campaign.id, { updated: undefined, until: undefined, at: Date.now() });
      })
      .finally(() => carried.delete(campaign.id));
    carried.set(campaign.id, work);
  };
  try {
    while (!signal.aborted) {
      const due = await dueCampaigns(context, seen, carried);
      for (const campaign of due.slice(0, Math.max(0, MAX_CARRIED - carried.size))) begin(campaign);
      const either = AbortSignal.any([wake.signal, signal]);
      await sleep(LOOK_MS, undefined, { signal: either }).catch(() => undefined);
      wake = new AbortController();
      await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await unlisten();
    await Promise.allSettled(carried.values());
  }
}

/** Retries of one rollout, each later than the one before: about two hours of a cluster that is away. */
const ATTEMPTS = 16;

async function dueCampaigns(
  { database, log = silentLog, signal }: CarryContext,
  seen: Map<number, Seen>,
  carried: ReadonlyMap<number, unknown>,
): Promise<readonly Campaign[]> {
  const open: Campaign[] = [];
  try {
    for (let before: number | undefined; ; before = open.at(-1)?.id) {
      const query = { open: true, limit: PAGE, ...(before === undefined ? {} : { before }) };
      const page = await listCampaigns(database.kysely, query);
      open.push(...page);
      if (page.length < PAGE) break;
    }
  } catch (error) {
    if (signal?.aborted !== true) log.warn(`rollouts cannot be read: ${messageOf(error)}`);
    return [];
  }
  const ids = new Set(open.map(({ id }) => id));
  for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
  const now = Date.now();
  // Oldest first: a newer one of the same image waits for it.
  return open.toReversed().filter((one) => !carried.has(one.id) && one.carrier === 'loop' && isDue(one, seen, now));
}

function isDue(campaign: Campaign, seen: ReadonlyMap<number, Seen>, now: number): boolean {
  const { id, state, updated } = campaign;
  // A pause at a step is carried on: its copies are watched.
  if (state === 'paused' && campaign.hold === 'operator' && campaign.owner === undefined) return false;
  const last = seen.get(id);
  if (last === undefined) return true;
  if (last.updated === undefined) return now >= last.at + REST_MS;
  return updated !== last.updated || now >= last.at + LOOK_AGAIN_MS || (last.until !== undefined && now >= last.until);
}
