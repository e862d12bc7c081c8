import { silentLog, systemClock } from '../../base/index.ts';
import { emit } from '../../events/index.ts';
import type { FleetZone } from '../../recipe/index.ts';
import { awayTargets } from '../away.ts';
import { rolloutError } from '../errors.ts';
import { promotedEvent } from '../events.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { entryOf } from '../plan/zones.ts';
import { type RolledTargets, rollTargets } from '../roll-targets.ts';
import { fightsOf, leftToSystemd } from '../select.ts';
import { closeSlot } from '../store.ts';
import { surveyWorkloads } from '../survey.ts';
import { ownersOf, type Surveyed, supersededByRunning, type Target, targetsOf } from '../targets.ts';
import type { CarryContext } from './context.ts';
import { isHalfWay, type Known } from './facts.ts';
import { heldByWindow } from './next-move.ts';
import type { Campaign, CampaignSlot } from './record.ts';
import type { Hold } from './state.ts';
import { changeCampaign, ITSELF, readCampaign } from './store.ts';
import { tagMove } from './tags.ts';
import { recordArrival, recordSuccess, zonesWith } from './zone-store.ts';

/** Milliseconds until it is looked again whether a workload is free, or its runtime is back. */
const LOOK_AGAIN_MS = 15_000;

/** Milliseconds until it is looked again whether somebody merged what was proposed. */
const MERGE_LOOK_MS = 30_000;

export interface RolledStage extends RolledTargets {
  readonly waits?: { readonly hold: Hold; readonly reason: string; readonly until: number };
}

/** Changes the workloads of the stage that a rollout is at, or takes back what is half-way. */
export async function rollStage(context: CarryContext, known: Known, what: 'roll' | 'undo'): Promise<RolledStage> {
  const { database, clock = systemClock, log = silentLog } = context;
  const { slots } = known;
  const by = { actor: ITSELF, clock };
  // Looked at again and again until somebody merges: that nothing happened is no entry of its history.
  const merging = known.campaign.hold === 'merge';
  const campaign =
    what === 'undo' || merging || isAwaiting(known.campaign)
      ? known.campaign
      : await database.transaction((trx) => changeCampaign(trx, known.campaign.id, goesOn, by));
  const surveyed = await surveyWorkloads(context);
  const workloads = surveyed.flatMap(([, found]) => found);
  const all = targetsOf(campaign, workloads, await supersededByRunning(database.kysely, workloads));
  for (const name of all.missing)
    log.warn(`rollout.workloads: no runtime has a workload ${JSON.stringify(name)}: left alone`);
  for (const line of fightsOf(all.targets.map(({ workload }) => workload))) log.warn(line);
  if (what === 'roll') for (const line of leftToSystemd(workloads, campaign.image, all.targets)) log.warn(line);
  const lost = await settleLost(context, slots, all.targets, surveyed);
  const waits = (hold: Hold, reason: string): RolledStage => ({
    ...{ outcomes: [], skipped: [], waits: { hold, reason, until: clock.now() + LOOK_AGAIN_MS } },
  });
  if (lost !== undefined) return waits('away', `what ${lost} runs on does not answer`);
  const away = what === 'undo' ? [] : await awayTargets(context, campaign, surveyed);
  const targets = all.targets.filter(what === 'undo' ? isOpenIn(slots) : isDue(known, away.length > 0));
  const awaited = { hold: 'away', reason: awayText(away), until: clock.now() + LOOK_FOR_AWAY_MS } as const;
  if (away.length > 0 && targets.length === 0) return { outcomes: [], skipped: [], waits: awaited };
  if (isAwaiting(campaign)) await database.transaction((trx) => changeCampaign(trx, campaign.id, goesOn, by));
  const busy = await busyWith(context, campaign, targets);
  if (busy !== undefined) return waits('elsewhere', busy);
  const owners = ownersOf(surveyed);
  if (what === 'undo') {
    return await rollTargets(context, campaign, targets, { batch: 1, owners, goesOn: async () => true });
  }
  const stage = campaign.plan.stages[campaign.stage] as PlannedStage;
  const zones = await enterZones(context, campaign, targets);
  await moveTag(context, campaign, stage);
  const goesOnNow = async (): Promise<boolean> => {
    const now = await readCampaign(database.kysely, campaign.id);
    const on = now.state === 'running' || (merging && now.hold === 'merge');
    return on && heldByWindow(now, clock.now()) === undefined;
  };
  const rolled = await rollTargets(context, campaign, targets, { batch: stage.batch, owners, goesOn: goesOnNow });
  const proposed = rolled.outcomes.find(({ kind }) => kind === 'proposed');
  if (proposed !== undefined && !rolled.outcomes.some(({ kind }) => kind === 'rolledback' || kind === 'overtaken')) {
    const reason = 'reason' in proposed ? proposed.reason : '';
    return { ...rolled, waits: { hold: 'merge', reason, until: clock.now() + MERGE_LOOK_MS } };
  }
  const fine = rolled.outcomes.every(({ kind }) => kind === 'rolledout' || kind === 'unchanged');
  if (fine && rolled.outcomes.length === targets.length) {
    if (away.length > 0) return { ...rolled, waits: awaited };
    await database.transaction(async (trx) => {
      await recordSuccess(trx, zones, campaign.digest, clock);
      await changeCampaign(trx, campaign.id, () => ({ stageDone: clock.now() }), by);
    });
  }
  return rolled;
}

/** Milliseconds until it is looked again whether a runtime is back. */
const LOOK_FOR_AWAY_MS = 60_000;
const NAMED = 3;

const awayText = (away: readonly string[]): string => {
  const more = away.length > NAMED ? ` and ${away.length - NAMED} more` : '';
  return `what these run on does not answer: ${away.toSorted().slice(0, NAMED).join(', ')}${more}`;
};

/** All that answers is done: that nothing happened is no entry of its history. */
const isAwaiting = ({ hold }: Campaign): boolean => hold === 'away';

/** Of the stage that is under way, and not done while others are waited for. */
const isDue =
  ({ campaign, slots }: Known, awaiting: boolean) =>
  (target: Target): boolean => {
    if (target.stage !== campaign.stage || isDoneBesideProposals(slots, target)) return false;
    const runs = target.previousDigest === campaign.digest;
    return !(awaiting && runs && slots.some((slot) => slot.outcome !== undefined && isOf(slot, target)));
  };

const goesOn = ({ state }: Campaign) =>
  state === 'waiting' ? ({ state: 'running', hold: null, until: null, reason: '' } as const) : undefined;

const isOpenIn =
  (slots: readonly CampaignSlot[]) =>
  (target: Target): boolean =>
    slots.some((slot) => isHalfWay(slot) && isOf(slot, target));

const isOf = (slot: CampaignSlot, { workload, container }: Target): boolean =>
  slot.workload === workload.id && slot.container === container;

/** While proposals are looked at again and again, what came through before is not asked each time. */
function isDoneBesideProposals(slots: readonly CampaignSlot[], target: Target): boolean {
  if (!slots.some(({ outcome, proposed }) => outcome === undefined && proposed !== undefined)) return false;
  return slots.some((slot) => isOf(slot, target) && (slot.outcome === 'rolledout' || slot.outcome === 'unchanged'));
}

/**
 * Slots that were begun and are not there any more. Where their runtime answers, the workload is gone, and that is how they
 * end; where it does not, nobody knows yet.
 * @returns a workload whose runtime is away
 */
async function settleLost(
  { database, clock = systemClock }: CarryContext,
  slots: readonly CampaignSlot[],
  targets: readonly Target[],
  surveyed: Surveyed,
): Promise<string | undefined> {
  const lost = slots.filter(
    (slot) =>
      slot.outcome === undefined &&
      !targets.some(({ workload, container }) => workload.id === slot.workload && container === slot.container),
  );
  for (const slot of lost) {
    if (!surveyed.some(([{ name }]) => slot.workload.startsWith(name))) return slot.workload;
    await database.transaction((trx) => closeSlot(trx, slot.row, 'gone', 'the workload is gone', clock));
  }
  return undefined;
}

/** Another rollout that is half-way on one of the workloads, in words. */
async function busyWith(
  { database }: CarryContext,
  { id }: Campaign,
  targets: readonly Target[],
): Promise<string | undefined> {
  if (targets.length === 0) return undefined;
  const wanted = new Set(targets.map(({ workload }) => workload.id));
  const rows = await database.kysely
    .selectFrom('rollout')
    .innerJoin('rollout_campaign', 'rollout_campaign.id', 'rollout.campaign')
    .select(['rollout.workload', 'rollout_campaign.id'])
    .where('rollout.finished', 'is', null)
    .where('rollout.proposed', 'is', null)
    .where('rollout_campaign.finished', 'is', null)
    .where('rollout_campaign.id', '<>', id)
    .orderBy('rollout_campaign.id')
    .execute();
  const busy = rows.find(({ workload }) => wanted.has(workload));
  return busy === undefined ? undefined : `rollout ${busy.id} is half-way on ${busy.workload}`;
}

/**
 * Brings the image to the zones of a stage, those it may enter.
 * @throws ROLLOUT_ZONE_REFUSED
 */
async function enterZones(
  { database, clock = systemClock, deliver, signal }: CarryContext,
  campaign: Campaign,
  targets: readonly Target[],
): Promise<readonly string[]> {
  const zones = new Map<string, FleetZone>();
  for (const { zone } of targets) if (zone !== undefined) zones.set(zone.name, zone);
  const { digest, plan, cause, id } = campaign;
  const good = await zonesWith(database.kysely, digest);
  for (const zone of zones.values()) {
    const entry = entryOf(zone, plan.zones, good);
    // What ran there before may run there again.
    if (entry.kind === 'refused' && cause !== 'rollback') {
      throw rolloutError('ROLLOUT_ZONE_REFUSED', entry.reason, {
        hint: `\`heraklit rollout simulate ${campaign.name}\` tells its way; roll it out there first, or allow the edge (\`to\`) in the fleet file.`,
      });
    }
    if (zone.registry !== undefined) await deliver?.(zone, campaign, signal ?? new AbortController().signal);
    const from = entry.kind === 'allowed' ? entry.from : null;
    await database.transaction((trx) => recordArrival(trx, { zone: zone.name, digest, from, campaign: id }, clock));
  }
  return [...zones.keys()];
}

async function moveTag(
  { database, clock = systemClock, catalogue }: CarryContext,
  campaign: Campaign,
  { tag, name }: PlannedStage,
): Promise<void> {
  const { id, tagsBefore, cause } = campaign;
  if (tag === undefined || catalogue === undefined || tag in tagsBefore) return;
  if (cause !== 'release' && cause !== 'promotion') return;
  const move = await tagMove(catalogue, campaign, tag);
  if (move === undefined) return;
  await database.transaction(async (trx) => {
    if (move.before !== campaign.digest) {
      await move.write(trx);
      await emit(trx, promotedEvent(campaign, tag, name, move.before), clock);
    }
    const patch = { tagsBefore: { ...tagsBefore, [tag]: move.before } };
    await changeCampaign(trx, id, () => patch, { actor: ITSELF, clock });
  });
}
