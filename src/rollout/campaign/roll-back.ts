import { systemClock } from '../../base/index.ts';
import type { Database, DatabaseReader } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { rolloutError } from '../errors.ts';
import { ONLY_STAGE } from '../plan/of-fleet.ts';
import { refuseQuarantined } from '../quarantine.ts';
import { repositoryOf } from '../select.ts';
import type { Word } from './operate.ts';
import type { Campaign, CampaignSlot, NewCampaign } from './record.ts';
import { hasEnded } from './state.ts';
import { beginCampaign, readCampaign, slotsOf } from './store.ts';

/**
 * Begins the way back of what a rollout changed: one rollout for each image that ran before. They are carried on like any
 * other.
 * @throws ROLLOUT_UNKNOWN, ROLLOUT_STATE while it goes on, ROLLOUT_NO_WAY_BACK, ROLLOUT_DIGEST_QUARANTINED
 */
export async function rollBackCampaign(database: Database, id: number, word: Word): Promise<readonly Campaign[]> {
  const campaign = await readCampaign(database.kysely, id);
  if (!hasEnded(campaign.state)) {
    throw rolloutError('ROLLOUT_STATE', `rollout ${id} goes on: ${campaign.state}`, {
      hint: `Abort it first: \`heraklit rollout abort ${id}\`.`,
    });
  }
  const changed = (await slotsOf(database.kysely, [id])).filter(({ outcome }) => outcome === 'rolledout');
  return await begin(database, campaign, changed, `rollout ${id} is taken back`, word);
}

/**
 * The same for one workload: to what ran before its last change.
 * @param named id, or name where just one workload has it
 */
export async function rollBackWorkload(database: Database, named: string, word: Word): Promise<readonly Campaign[]> {
  const { campaign: id, slots } = await lastChange(database.kysely, named);
  const campaign = await readCampaign(database.kysely, id);
  return await begin(database, campaign, slots, `${named} is taken back`, word);
}

async function lastChange(
  reader: DatabaseReader,
  named: string,
): Promise<{ readonly campaign: number; readonly slots: readonly CampaignSlot[] }> {
  const ids = await reader
    .selectFrom('workload')
    .select('id')
    .distinct()
    .where((where) => where.or([where('id', '=', named), where('name', '=', named)]))
    .execute();
  if (ids.length > 1) {
    const hint = `Name one of ${ids.map(({ id }) => id).join(', ')}.`;
    throw rolloutError('ROLLOUT_WORKLOAD_UNKNOWN', `${ids.length} workloads are called ${named}`, { hint });
  }
  const workload = ids[0]?.id ?? named;
  const row = await reader
    .selectFrom('rollout')
    .select(['campaign'])
    .where('workload', '=', workload)
    .where('outcome', '=', 'rolledout')
    .where('campaign', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row?.campaign === null || row === undefined) throw noWayBack(`nothing was rolled out to ${named}`);
  const slots = await slotsOf(reader, [row.campaign]);
  return {
    campaign: row.campaign,
    slots: slots.filter((slot) => slot.workload === workload && slot.outcome === 'rolledout'),
  };
}

const noWayBack = (what: string): Error =>
  rolloutError('ROLLOUT_NO_WAY_BACK', what, {
    hint: 'Roll out a digest by hand: `heraklit rollout WORKLOAD --image HOST/REPOSITORY@DIGEST`.',
  });

async function begin(
  database: Database,
  campaign: Campaign,
  slots: readonly CampaignSlot[],
  reason: string,
  word: Word,
): Promise<readonly Campaign[]> {
  const wanted = waysBack(campaign, slots);
  if (wanted.length === 0) throw noWayBack(`rollout ${campaign.id} changed nothing`);
  for (const { digest } of wanted) await refuseQuarantined(database.kysely, digest);
  const { actor, clock = systemClock } = word;
  const why = word.reason === undefined || word.reason === '' ? reason : `${reason}: ${word.reason}`;
  return await database.transaction(async (trx) => {
    await word.within?.(trx);
    const begun: Campaign[] = [];
    for (const one of wanted) begun.push(await beginCampaign(trx, one, { actor, reason: why, clock }));
    return begun;
  });
}

/** Pure: one rollout for each image that ran before. @throws ROLLOUT_NO_WAY_BACK */
export function waysBack(campaign: Campaign, slots: readonly CampaignSlot[]): readonly NewCampaign[] {
  const images = Map.groupBy(slots, (slot) => {
    const digest = slot.previousDigest ?? (slot.previous.split('@')[1] as Digest | undefined);
    if (digest === undefined) throw noWayBack(`${slot.workload} ran ${slot.previous}, and nobody knows which digest`);
    return `${repositoryOf(slot.previous)}@${digest}`;
  });
  const { name, fleet, repository, tag, plan } = campaign;
  const batch = Math.max(1, ...plan.stages.map((stage) => stage.batch));
  return [...images].map(([image, before]) => ({
    ...{ cause: 'rollback', name, fleet, repository, tag, image, digest: image.split('@')[1] as Digest },
    ...{ previous: campaign.digest, anyTime: true, carrier: 'loop' },
    plan: {
      stages: [{ name: ONLY_STAGE, soak: 0, approval: false, batch, windows: [] }],
      workloads: before.map(({ workload, container }) => ({ workload, container })),
      // The way back is not tried on some first.
      ...{ settings: { ...withoutStrategy(plan.settings) }, approvers: [], zones: [] },
    },
  }));
}

function withoutStrategy({ deadline, health }: Campaign['plan']['settings']): Campaign['plan']['settings'] {
  return { deadline, ...(health === undefined ? {} : { health }) };
}
