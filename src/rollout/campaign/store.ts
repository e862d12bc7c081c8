import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Clock } from '../../base/index.ts';
import type { DatabaseReader, DatabaseTransaction, RolloutCampaignTable } from '../../database/index.ts';
import { emit } from '../../events/index.ts';
import type { Digest } from '../../oci/index.ts';
import { rolloutError } from '../errors.ts';
import type { RolloutPlan } from '../plan/plan.ts';
import type { Campaign, CampaignChange, CampaignSlot, Cause, NewCampaign } from './record.ts';
import { type CampaignState, type Hold, hasEnded, mayFollow } from './state.ts';

/** Something about a rollout changed: whoever carries rollouts on looks again. */
export const ROLLOUT_CHANNEL = 'heraklit_rollouts';

/** Who changes what nobody asked for. */
export const ITSELF = 'heraklit';

const REASON_LIMIT = 2_000;

type Row = Selectable<RolloutCampaignTable>;

const time = (date: Date | null): number | undefined => date?.getTime();

export function campaignOf(row: Row): Campaign {
  return {
    id: row.id,
    cause: row.cause as Cause,
    name: row.name,
    fleet: row.fleet ?? undefined,
    repository: row.repository,
    tag: row.tag ?? undefined,
    image: row.image,
    digest: row.digest as Digest,
    previous: (row.previous ?? undefined) as Digest | undefined,
    plan: JSON.parse(row.plan) as RolloutPlan,
    state: row.state as CampaignState,
    hold: (row.hold ?? undefined) as Hold | undefined,
    reason: row.reason,
    until: time(row.until),
    stage: row.stage,
    stageDone: time(row.stage_done),
    anyTime: row.any_time,
    tagsBefore: JSON.parse(row.tags_before) as Campaign['tagsBefore'],
    carrier: row.carrier as Campaign['carrier'],
    owner: row.lease_owner ?? undefined,
    ownedUntil: time(row.lease_until),
    attempt: row.attempt,
    started: row.started.getTime(),
    updated: row.updated.getTime(),
    finished: time(row.finished),
  };
}

export async function beginCampaign(
  trx: DatabaseTransaction,
  wanted: NewCampaign,
  by: { readonly actor: string; readonly reason: string; readonly clock: Clock },
): Promise<Campaign> {
  const now = new Date(by.clock.now());
  const { plan, anyTime, previous, fleet, tag, ...plain } = wanted;
  const row = await trx
    .insertInto('rollout_campaign')
    .values({
      ...plain,
      ...{ fleet: fleet ?? null, tag: tag ?? null, previous: previous ?? null, plan: JSON.stringify(plan) },
      ...{ state: 'waiting', hold: null, reason: '', until: null, stage: 0, stage_done: null, any_time: anyTime },
      ...{ tags_before: '{}', lease_owner: null, lease_until: null, attempt: 0, changes: 0 },
      ...{ started: now, updated: now, finished: null },
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return await changeCampaign(trx, row.id, () => ({ state: 'waiting', reason: by.reason }), by, true);
}

export interface CampaignPatch {
  readonly state?: CampaignState;
  /** Null: none any more. */
  readonly hold?: Hold | null;
  readonly reason?: string;
  readonly until?: number | null;
  readonly stage?: number;
  readonly stageDone?: number | null;
  readonly anyTime?: boolean;
  readonly tagsBefore?: Campaign['tagsBefore'];
  readonly carrier?: Campaign['carrier'];
  readonly attempt?: number;
}

/**
 * The one way a rollout changes: its row, an entry of its history and the event of it, together. A patch that says what is so
 * already leaves no entry.
 * @param decide sees the row as it is, locked; undefined leaves it
 * @throws ROLLOUT_UNKNOWN
 */
export async function changeCampaign(
  trx: DatabaseTransaction,
  id: number,
  decide: (now: Campaign) => CampaignPatch | undefined,
  by: { readonly actor: string; readonly clock: Clock },
  always = false,
): Promise<Campaign> {
  const row = await trx.selectFrom('rollout_campaign').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (row === undefined) throw unknown(String(id));
  const before = campaignOf(row);
  const patch = decide(before);
  if (patch === undefined) return before;
  const state = patch.state ?? before.state;
  // Whoever decided saw an older row: what has ended, or is being taken back, stays so.
  if (!mayFollow(before.state, state)) return before;
  const reason = (patch.reason ?? before.reason).slice(0, REASON_LIMIT);
  const stage = patch.stage ?? before.stage;
  const told = always || state !== before.state || stage !== before.stage || reason !== before.reason;
  const now = new Date(by.clock.now());
  const number = row.changes + (told ? 1 : 0);
  const changed = await trx
    .updateTable('rollout_campaign')
    .set({ ...columnsOf(patch), ...{ state, reason, stage, changes: number, updated: now }, ...ending(state, now) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = campaignOf(changed);
  if (told) await tell(trx, after, number, by);
  return after;
}

function columnsOf({ hold, until, stageDone, anyTime, tagsBefore, carrier, attempt }: CampaignPatch) {
  const date = (at: number | null): Date | null => (at === null ? null : new Date(at));
  return {
    ...(hold === undefined ? {} : { hold }),
    ...(until === undefined ? {} : { until: date(until) }),
    ...(stageDone === undefined ? {} : { stage_done: date(stageDone) }),
    ...(anyTime === undefined ? {} : { any_time: anyTime }),
    ...(tagsBefore === undefined ? {} : { tags_before: JSON.stringify(tagsBefore) }),
    ...(carrier === undefined ? {} : { carrier }),
    ...(attempt === undefined ? {} : { attempt }),
  };
}

const ending = (state: CampaignState, now: Date) => (hasEnded(state) ? { finished: now, hold: null, until: null } : {});

async function tell(
  trx: DatabaseTransaction,
  campaign: Campaign,
  number: number,
  { actor, clock }: { readonly actor: string; readonly clock: Clock },
): Promise<void> {
  const { id, name, image, digest, previous, state, reason, cause } = campaign;
  const stage = campaign.plan.stages[campaign.stage]?.name ?? '';
  await trx
    .insertInto('rollout_change')
    .values({ campaign: id, number, at: new Date(clock.now()), actor, state, stage, reason })
    .execute();
  const data = { rollout: id, image: name, reference: image, digest, previous: previous ?? null, cause };
  await emit(
    trx,
    {
      type: 'io.heraklit.rollout.changed',
      subject: name,
      key: `${id}\n${digest}\n${number}`,
      data: { ...data, state, stage, reason, actor },
    },
    clock,
  );
  await sql`select pg_notify(${ROLLOUT_CHANNEL}, '')`.execute(trx);
}

export const unknown = (what: string): Error =>
  rolloutError('ROLLOUT_UNKNOWN', `there is no rollout ${what}`, {
    hint: '`heraklit rollout status --all` lists them.',
  });

/** @throws ROLLOUT_UNKNOWN */
export async function readCampaign(reader: DatabaseReader, id: number): Promise<Campaign> {
  const row = await reader.selectFrom('rollout_campaign').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknown(String(id));
  return campaignOf(row);
}

export interface CampaignQuery {
  /** Only those that go on. */
  readonly open?: boolean;
  /** Image of the fleet. */
  readonly name?: string;
  readonly digest?: Digest;
  /** Only older ones: pages go back in time. */
  readonly before?: number;
  readonly limit: number;
}

/** Newest first. */
export async function listCampaigns(reader: DatabaseReader, query: CampaignQuery): Promise<readonly Campaign[]> {
  let rows = reader.selectFrom('rollout_campaign').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.open === true) rows = rows.where('finished', 'is', null);
  if (query.name !== undefined) rows = rows.where('name', '=', query.name);
  if (query.digest !== undefined) rows = rows.where('digest', '=', query.digest);
  if (query.before !== undefined) rows = rows.where('id', '<', query.before);
  return (await rows.execute()).map(campaignOf);
}

const among = (ids: readonly number[]): RawBuilder<boolean> =>
  sql<boolean>`campaign = any(${sql.val([...ids])}::integer[])`;

/** Slots of some rollouts, as they were begun. */
export async function slotsOf(reader: DatabaseReader, ids: readonly number[]): Promise<readonly CampaignSlot[]> {
  if (ids.length === 0) return [];
  const rows = await reader.selectFrom('rollout').selectAll().where(among(ids)).orderBy('id').execute();
  return rows.map((row) => ({
    row: row.id,
    campaign: row.campaign ?? 0,
    ...{ workload: row.workload, container: row.container, image: row.image, previous: row.previous },
    previousDigest: (row.previous_digest ?? undefined) as Digest | undefined,
    outcome: row.outcome ?? undefined,
    reason: row.reason ?? '',
    step: row.step ?? undefined,
    steps: row.steps ?? undefined,
    weight: row.weight ?? undefined,
    proposed: row.proposed ?? undefined,
    started: row.started.getTime(),
    finished: time(row.finished),
  }));
}

export async function changesOf(reader: DatabaseReader, id: number): Promise<readonly CampaignChange[]> {
  const rows = await reader
    .selectFrom('rollout_change')
    .selectAll()
    .where('campaign', '=', id)
    .orderBy('number')
    .execute();
  return rows.map(({ number, at, actor, state, stage, reason }) => ({
    ...{ number, actor, stage, reason, at: at.getTime(), state: state as CampaignState },
  }));
}

export interface Approval {
  readonly campaign: number;
  readonly stage: string;
  readonly actor: string;
  /** As which of the approvers: a name, `group:NAME`, `role:admin`; null for the owner, and where nobody is named. */
  readonly approver: string | null;
  readonly at: Date;
}

/** Who approved which stages of some rollouts. */
export async function approvalsOfMany(reader: DatabaseReader, ids: readonly number[]): Promise<readonly Approval[]> {
  if (ids.length === 0) return [];
  return await reader
    .selectFrom('rollout_approval')
    .select(['campaign', 'stage', 'actor', 'approver', 'at'])
    .where(among(ids))
    .orderBy('at')
    .orderBy('actor')
    .execute();
}
