import { sql } from 'kysely';
import { type AuditEntry, writeAudit } from '../../access/index.ts';
import { systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { listQuarantine, type QuarantineEntry } from '../../publish/index.ts';
import type { Fleet } from '../../recipe/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import * as stage from '../../rollout/index.ts';
import type {
  QuarantinedDigest,
  Rollout,
  RolloutActor,
  RolloutPage,
  Rollouts,
  RolloutWord,
} from '../rollouts-contract.ts';
import { measurementsAt } from './rollout-measurements.ts';
import { type Copies, copiesKey, rolloutView, simulationView } from './rollout-view.ts';

export interface DatabaseRolloutsOptions {
  readonly database: Database;
  readonly catalogue: RegistryCatalogue;
  /** Has stages and zones; without it nothing is promoted and simulated. */
  readonly fleet?: { readonly name: string; readonly document: Pick<Fleet, 'rollout' | 'zones'> } | undefined;
  /** `host:port` of our registry as workloads reach it. */
  readonly registryHost?: (() => string | undefined) | undefined;
}

const DEFAULT_LIMIT = 100;

/** The port answered from a home's database; what people say is in the audit log, in the same transaction. */
export function databaseRollouts(options: DatabaseRolloutsOptions): Rollouts {
  const { database } = options;
  const { kysely } = database;
  const views = async (campaigns: readonly stage.Campaign[]): Promise<readonly Rollout[]> => {
    const ids = campaigns.map(({ id }) => id);
    const [slots, approvals] = await Promise.all([stage.slotsOf(kysely, ids), stage.approvalsOfMany(kysely, ids)]);
    const copies = await copiesOf(kysely, slots);
    const now = systemClock.now();
    return campaigns.map((one) =>
      rolloutView(
        one,
        slots.filter(({ campaign }) => campaign === one.id),
        approvals.filter(({ campaign }) => campaign === one.id),
        now,
        copies,
      ),
    );
  };
  const page = async (campaigns: readonly stage.Campaign[]): Promise<RolloutPage> => ({
    ...{ rollouts: await views(campaigns), next: null },
  });
  const reread = async (campaigns: readonly stage.Campaign[]): Promise<RolloutPage> =>
    await page(await Promise.all(campaigns.map(({ id }) => stage.readCampaign(kysely, id))));
  return {
    async list({ all = false, image, limit = DEFAULT_LIMIT, after }) {
      const campaigns = await stage.listCampaigns(kysely, {
        ...{ limit, open: !all },
        ...(image === undefined ? {} : { name: image }),
        ...(after === undefined ? {} : { before: Number(after) }),
      });
      const last = campaigns.length < limit ? undefined : campaigns.at(-1);
      return { rollouts: await views(campaigns), next: last === undefined ? null : String(last.id) };
    },
    async show(id) {
      const campaign = await stage.readCampaign(kysely, id);
      const [rollout] = await views([campaign]);
      const [changes, slots] = await Promise.all([stage.changesOf(kysely, id), stage.slotsOf(kysely, [id])]);
      return {
        rollout: rollout as Rollout,
        changes: changes.map(({ at, actor, state, reason, ...one }) => ({
          ...{ at: new Date(at).toISOString(), actor, state, stage: one.stage, reason },
        })),
        measurements: await measurementsAt(kysely, campaign, slots),
      };
    },
    async act(id, action, word, by) {
      const said = wordOf(action, String(id), word, by);
      if (action === 'approve') return reread([(await stage.approveCampaign(database, id, said)).campaign]);
      if (action !== 'rollback') return reread([await stage.operateCampaign(database, id, action, said)]);
      const campaign = await stage.readCampaign(kysely, id);
      const begun = await stage.rollBackCampaign(database, id, said);
      if (word.quarantine === true) await stage.condemn(database, campaign, said);
      return reread(begun);
    },
    async takeBack(workload, word, by) {
      const said = wordOf('rollback', workload, word, by);
      const begun = await stage.rollBackWorkload(database, workload, said);
      if (word.quarantine === true) for (const { previous } of begun) await condemnDigest(database, previous, said);
      return reread(begun);
    },
    async promote({ image, to, digest, skip }, by) {
      const { fleet, catalogue, registryHost } = withFleet(options);
      const context = {
        database,
        catalogue,
        registryHost: registryHost?.(),
        fleet: fleet.name,
        plan: stage.planOfFleet(fleet.document, image),
      };
      const wanted = { image, to, skip, digest: digest as Digest | undefined };
      return reread([await stage.promote(context, wanted, wordOf('promote', `${image} ${to}`, {}, by))]);
    },
    async simulate(image, digest) {
      const { fleet, registryHost } = withFleet(options);
      const row = await stage.releasedImage(kysely, fleet.name, image);
      if (row === undefined) throw stage.imageUnknown(image);
      const wanted = (digest as Digest | undefined) ?? row.digest;
      const host = registryHost?.() ?? (await stage.registryOfLast(kysely, image, row.repository)) ?? 'registry';
      const workloads = await stage.knownWorkloads(kysely);
      const campaign = {
        ...{ digest: wanted, repository: row.repository, plan: stage.planOfFleet(fleet.document, image) },
        image: `${host}/${row.repository}@${wanted}`,
      };
      const known = await stage.supersededByRunning(kysely, workloads);
      const good = await stage.zonesWith(kysely, wanted);
      const simulation = stage.simulate(campaign, workloads, known, good, systemClock.now());
      return simulationView(image, wanted, simulation, await stage.quarantineReason(kysely, wanted));
    },
    async findings() {
      const zones = options.fleet?.document.zones ?? [];
      if (zones.length === 0) return { findings: [] };
      const [workloads, arrived] = await Promise.all([stage.knownWorkloads(kysely), stage.arrivals(kysely)]);
      const found = stage.zoneFindings(zones, workloads, arrived);
      return { findings: found.map((one) => ({ ...one, digest: one.digest ?? null })) };
    },
    async runtimes() {
      const iso = (at: number): string => new Date(at).toISOString();
      const found = await stage.runtimeStates(kysely, systemClock.now());
      return {
        runtimes: found.map(({ since, retry, seen, ...one }) => ({
          ...{ ...one, since: iso(since), retry: retry === undefined ? null : iso(retry), seen: iso(seen) },
        })),
      };
    },
    quarantine: async () => ({ quarantined: (await listQuarantine(kysely)).map(quarantineView) }),
    async lift(digest, word, by) {
      const said = wordOf('lift', digest, word, by);
      return { quarantined: [quarantineView(await stage.liftByWord(database, digest as Digest, said))] };
    },
  };
}

const quarantineView = ({ since, ...entry }: QuarantineEntry): QuarantinedDigest => ({
  ...entry,
  since: since.toISOString(),
});

/** Of the workloads of some slots, as their runtimes told last. */
async function copiesOf(
  reader: Database['kysely'],
  slots: readonly { readonly workload: string }[],
): Promise<ReadonlyMap<string, Copies>> {
  const ids = [...new Set(slots.map(({ workload }) => workload))];
  if (ids.length === 0) return new Map();
  const rows = await reader
    .selectFrom('workload')
    .select(['id', 'container', 'ready', 'replicas'])
    .where(sql<boolean>`id = any(${sql.val(ids)}::text[])`)
    .execute();
  return new Map(
    rows.map(({ id, container, ready, replicas }) => [
      copiesKey({ workload: id, container }),
      { ready, wanted: replicas },
    ]),
  );
}

function withFleet(options: DatabaseRolloutsOptions): DatabaseRolloutsOptions & {
  readonly fleet: NonNullable<DatabaseRolloutsOptions['fleet']>;
} {
  const { fleet } = options;
  if (fleet !== undefined) return { ...options, fleet };
  throw stage.rolloutError('ROLLOUT_FLEET_NEEDED', 'stages and zones stand in a fleet file, and none is known here', {
    hint: 'Name it: --fleet FILE, or heraklit serve FILE.',
  });
}

async function condemnDigest(database: Database, digest: Digest | undefined, word: stage.Word): Promise<void> {
  const [campaign] = digest === undefined ? [] : await stage.listCampaigns(database.kysely, { digest, limit: 1 });
  if (campaign !== undefined) await stage.condemn(database, campaign, word);
}

function wordOf(
  action: string,
  reference: string,
  { reason, now, stage: named }: RolloutWord,
  { name, owner, address, groups, admin }: RolloutActor,
): stage.Word & stage.Approving & { readonly stage?: string | undefined } {
  const entry: AuditEntry = {
    ...{ actor: name, action: `rollout.${action}`, reference, result: 'done', detail: reason, address },
  };
  return { actor: name, owner, groups, admin, reason, now, stage: named, within: (trx) => writeAudit(trx, [entry]) };
}
