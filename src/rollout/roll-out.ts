import { type HeraklitError, isHeraklitError, systemClock } from '../base/index.ts';
import type { Digest } from '../oci/index.ts';
import type { HealthCheck, RolloutOutcome, RolloutStrategy } from '../runtime/index.ts';
import { carryCampaign } from './campaign/carry.ts';
import type { CarryContext } from './campaign/context.ts';
import type { Campaign, NewCampaign } from './campaign/record.ts';
import { beginCampaign, listCampaigns } from './campaign/store.ts';
import { rolloutError } from './errors.ts';
import { ONLY_STAGE } from './plan/of-fleet.ts';
import type { RolloutPlan } from './plan/plan.ts';
import { refuseQuarantined } from './quarantine.ts';
import { repositoryOf } from './select.ts';

export interface RollOutRequest {
  /** `host/repository@sha256:…`, pullable from the runtimes. */
  readonly image: string;
  readonly digest: Digest;
  readonly tag?: string;
  /** Names, `namespace/name` or ids, in this order; all that use a superseded image when empty. */
  readonly workloads?: readonly string[];
  /** Only the container of that name; else those that fit the image. */
  readonly container?: string;
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline: number;
  /** Workloads at once; 1 when undefined. */
  readonly batch?: number;
  readonly health?: HealthCheck;
  /** How a workload's new image takes the place of the old one; rolling when undefined. */
  readonly strategy?: RolloutStrategy;
  /** Who asks for it. */
  readonly actor?: string;
}

export interface RollOutResult {
  /** Number of the rollout. */
  readonly rollout: number;
  readonly outcomes: readonly RolloutOutcome[];
  /** Workloads left alone because an earlier one was rolled back. */
  readonly skipped: readonly string[];
  /** What it waits for, where it has not ended. */
  readonly waits?: string;
}

function planOf(request: RollOutRequest): RolloutPlan {
  const { workloads = [], container, deadline, batch = 1, health, strategy } = request;
  const own = container === undefined ? {} : { container };
  return {
    stages: [{ name: ONLY_STAGE, soak: 0, approval: false, batch, windows: [] }],
    ...(workloads.length === 0 ? {} : { workloads: workloads.map((workload) => ({ workload, ...own })) }),
    ...{ strict: true, approvers: [], zones: [] },
    settings: {
      deadline,
      ...(health === undefined ? {} : { health }),
      ...(strategy === undefined ? {} : { strategy }),
    },
  };
}

/**
 * Brings an image to the workloads that use what it supersedes, in order, `batch` at a time. The first one that is rolled
 * back ends it: its digest is quarantined when the image is to blame, and the rest is left alone. Called again after a
 * crash it goes on where it stopped and announces nothing twice.
 * @throws ROLLOUT_DIGEST_QUARANTINED, ROLLOUT_WORKLOAD_UNKNOWN, ROLLOUT_NO_RUNTIME, ROLLOUT_HELD and what a runtime throws
 */
export async function rollOut(context: CarryContext, request: RollOutRequest): Promise<RollOutResult> {
  const { digest, image, tag } = request;
  const name = repositoryOf(image);
  return await rollOutPlanned(
    context,
    {
      ...{ cause: 'command', name, fleet: undefined, repository: name, tag, image, digest, previous: undefined },
      ...{ plan: planOf(request), anyTime: false, carrier: 'loop' },
    },
    request.actor ?? 'owner',
  );
}

/** The same for a plan with stages, windows and what else it may have to wait for. */
export async function rollOutPlanned(
  context: CarryContext,
  wanted: NewCampaign,
  actor: string,
): Promise<RollOutResult> {
  const { id } = await findOrBegin(context, wanted, actor);
  const carried = await carryCampaign(context, id);
  if (carried.kind === 'held') {
    throw rolloutError('ROLLOUT_HELD', `rollout ${id} is carried on by ${carried.by}`, {
      hint: '`heraklit rollout status` shows how far it is.',
    });
  }
  const { campaign, outcomes, skipped } = carried;
  const waits = campaign.finished === undefined ? { waits: campaign.reason } : {};
  return { rollout: id, outcomes, skipped, ...waits };
}

export const isRolloutHeld = (error: unknown): error is HeraklitError => isHeraklitError(error, 'ROLLOUT_HELD');

/**
 * The unfinished rollout that a killed process left, or a new one.
 * @throws ROLLOUT_DIGEST_QUARANTINED
 */
export async function findOrBegin(
  { database, clock = systemClock }: CarryContext,
  wanted: NewCampaign,
  actor: string,
): Promise<Campaign> {
  await refuseQuarantined(database.kysely, wanted.digest);
  const { name, digest, cause, plan } = wanted;
  const open = await listCampaigns(database.kysely, { open: true, name, digest, limit: 100 });
  const same = open.find((one) => one.cause === cause && JSON.stringify(one.plan) === JSON.stringify(plan));
  if (same !== undefined) return same;
  return await database.transaction((trx) => beginCampaign(trx, wanted, { actor, reason: '', clock }));
}
