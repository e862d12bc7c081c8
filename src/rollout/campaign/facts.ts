import type { Database } from '../../database/index.ts';
import { quarantined } from '../../publish/index.ts';
import type { CampaignFacts } from './next-move.ts';
import type { Campaign, CampaignSlot } from './record.ts';
import { approvalsOfMany, readCampaign, slotsOf } from './store.ts';

export interface Known {
  readonly campaign: Campaign;
  readonly slots: readonly CampaignSlot[];
  readonly facts: CampaignFacts;
}

/** All that a rollout's next move depends on, read anew. @throws ROLLOUT_UNKNOWN */
export async function factsOf({ kysely }: Database, id: number): Promise<Known> {
  const campaign = await readCampaign(kysely, id);
  const [slots, approvals, bad, newer] = await Promise.all([
    slotsOf(kysely, [id]),
    approvalsOfMany(kysely, [id]),
    quarantined(kysely, campaign.digest),
    newerOf({ kysely }, campaign),
  ]);
  const setback = slots.find(({ outcome }) => outcome === 'rolledback' || outcome === 'overtaken');
  const facts: CampaignFacts = {
    ...campaign,
    openSlots: slots.filter(isHalfWay).length,
    setback:
      setback === undefined
        ? undefined
        : { state: setback.outcome as 'rolledback', reason: `${setback.workload}: ${setback.reason}` },
    approvedBy: approversByStage(approvals),
    quarantined: bad?.reason,
    newer,
  };
  return { campaign, slots, facts };
}

/** Stage → the people who approved it. */
export function approversByStage(
  approvals: readonly { readonly stage: string; readonly actor: string }[],
): ReadonlyMap<string, readonly string[]> {
  const people = new Map<string, string[]>();
  for (const { stage, actor } of approvals) people.set(stage, [...(people.get(stage) ?? []), actor]);
  return people;
}

/** Begun and not finished; what is only proposed has changed nothing. */
export const isHalfWay = ({ outcome, proposed }: CampaignSlot): boolean =>
  outcome === undefined && proposed === undefined;

/** A later release of the same image. What somebody asked for by hand is not overtaken. */
async function newerOf(
  { kysely }: Pick<Database, 'kysely'>,
  { id, name, fleet, cause, digest }: Campaign,
): Promise<CampaignFacts['newer']> {
  if (cause !== 'release') return undefined;
  let query = kysely
    .selectFrom('rollout_campaign')
    .select(['id', 'finished'])
    .where('name', '=', name)
    .where('cause', '=', 'release')
    .where('id', '>', id)
    .where('digest', '<>', digest)
    .where('state', 'not in', ['rolledback', 'failed'])
    .orderBy('id', 'desc')
    .limit(1);
  query = fleet === undefined ? query.where('fleet', 'is', null) : query.where('fleet', '=', fleet);
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : { id: row.id, done: row.finished !== null };
}
