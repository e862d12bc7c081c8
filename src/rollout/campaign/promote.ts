import { systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import { rolloutError } from '../errors.ts';
import type { Approving } from '../plan/approvers.ts';
import type { PlannedStage, RolloutPlan } from '../plan/plan.ts';
import { refuseQuarantined } from '../quarantine.ts';
import { approveCampaign, mayApprove, type Word } from './operate.ts';
import type { Campaign, NewCampaign } from './record.ts';
import { registryOfLast, releasedImage } from './released.ts';
import { beginCampaign, listCampaigns } from './store.ts';

export interface PromotionRequest {
  /** Name of an image of the fleet. */
  readonly image: string;
  /** Name of a stage. */
  readonly to: string;
  /** What the stage before has, when undefined; before the first one, what is released. */
  readonly digest?: Digest | undefined;
  /** Stages before need not have been passed. */
  readonly skip?: boolean | undefined;
}

export interface PromotionContext {
  readonly database: Database;
  readonly catalogue: RegistryCatalogue;
  readonly plan: RolloutPlan;
  readonly fleet: string;
  /** `host:port` of our registry as workloads reach it; undefined: as the last rollout of the image had it. */
  readonly registryHost?: string | undefined;
}

/**
 * Brings an image to a stage: a rollout that waits for that stage's approval gets it, else one of this stage alone begins. The
 * tag moves when it does, to the same digest.
 * @throws ROLLOUT_STAGE_UNKNOWN, ROLLOUT_IMAGE_UNKNOWN, ROLLOUT_STAGE_SKIPPED, ROLLOUT_DIGEST_QUARANTINED,
 *   ROLLOUT_NOT_APPROVER
 */
export async function promote(
  context: PromotionContext,
  request: PromotionRequest,
  word: Word & Approving,
): Promise<Campaign> {
  const { database, plan } = context;
  const index = plan.stages.findIndex(({ name }) => name === request.to);
  const stage = plan.stages[index];
  if (stage === undefined) throw stageUnknown(request.to, plan.stages);
  const image = await releasedImage(database.kysely, context.fleet, request.image);
  if (image === undefined) throw imageUnknown(request.image);
  const before = plan.stages[index - 1];
  const digest = await digestFor(context, image, request, before);
  await refuseQuarantined(database.kysely, digest);
  const all = await listCampaigns(database.kysely, { name: request.image, limit: 1_000 });
  const same = all.filter((one) => one.digest === digest);
  const waiting = same.find(({ finished, plan: own, stage: at }) => {
    const next = own.stages.findIndex(({ name, approval }) => name === stage.name && approval);
    return finished === undefined && next >= at;
  });
  if (waiting !== undefined)
    return (await approveCampaign(database, waiting.id, { ...word, stage: stage.name })).campaign;
  if (before !== undefined && request.skip !== true && !same.some((one) => hasPassed(one, before.name))) {
    throw rolloutError('ROLLOUT_STAGE_SKIPPED', `${request.image} ${digest} did not pass ${before.name}`, {
      hint: `\`heraklit promote ${request.image} --to ${before.name}\` first, or say --skip.`,
    });
  }
  const approver = mayApprove(plan.approvers, word, 'promote');
  const registry = context.registryHost ?? (await registryOfLast(database.kysely, request.image, image.repository));
  if (registry === undefined) throw imageUnknown(request.image);
  const { actor, clock = systemClock } = word;
  // Who promotes approves; where several have to, the others are waited for.
  const shared = stage.approval && (stage.approvals ?? 1) > 1;
  return await database.transaction(async (trx) => {
    await word.within?.(trx);
    const wanted: NewCampaign = {
      ...{ cause: 'promotion', name: request.image, fleet: context.fleet, repository: image.repository },
      ...{ tag: image.tag, image: `${registry}/${image.repository}@${digest}`, digest, previous: undefined },
      ...{ plan: { ...plan, stages: [{ ...stage, approval: shared }] }, anyTime: false, carrier: 'loop' },
    };
    const begun = await beginCampaign(trx, wanted, { actor, reason: `promoted to ${stage.name} by ${actor}`, clock });
    const approval = { campaign: begun.id, stage: stage.name, actor, approver, at: new Date(clock.now()) };
    if (shared) await trx.insertInto('rollout_approval').values(approval).execute();
    return begun;
  });
}

async function digestFor(
  { catalogue }: PromotionContext,
  image: { readonly repository: string; readonly digest: Digest },
  { image: name, digest }: PromotionRequest,
  before: PlannedStage | undefined,
): Promise<Digest> {
  if (digest !== undefined) return digest;
  if (before?.tag === undefined) return image.digest;
  const named = await catalogue.resolve(image.repository, before.tag);
  if (named !== undefined) return named.digest;
  throw rolloutError('ROLLOUT_STAGE_SKIPPED', `${image.repository} has no tag ${before.tag} yet`, {
    hint: `\`heraklit promote ${name} --to ${before.name}\` first, or name a digest: --digest.`,
  });
}

const hasPassed = ({ plan, stage, state, stageDone }: Campaign, name: string): boolean => {
  const index = plan.stages.findIndex((one) => one.name === name);
  if (index < 0) return false;
  return state === 'rolledout' || stage > index || (stage === index && stageDone !== undefined);
};

const stageUnknown = (name: string, stages: readonly PlannedStage[]): Error =>
  rolloutError('ROLLOUT_STAGE_UNKNOWN', `the fleet has no stage ${JSON.stringify(name)}`, {
    hint: `rollout.stages names ${stages.map((one) => one.name).join(', ')}.`,
  });

export const imageUnknown = (name: string): Error =>
  rolloutError('ROLLOUT_IMAGE_UNKNOWN', `the fleet has nothing released of ${JSON.stringify(name)}`, {
    hint: '`heraklit run`, or `heraklit serve`, releases images of the fleet file.',
  });
