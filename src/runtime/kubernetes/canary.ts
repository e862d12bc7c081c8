import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { CanaryStep, RolloutStrategy, TrafficSplit } from '../strategy.ts';
import { kubernetesError } from './errors.ts';
import type { Follower } from './follower.ts';
import { holdStep } from './hold.ts';
import { containersOf, ROLE, type WorkloadObject } from './objects.ts';

import { type End, ownPods, roll, rollBack } from './rolling.ts';
import type { RolloutStatus } from './rollout-status.ts';
import { type Run, readRun, saveClaim, titleOf, type Verdict } from './run.ts';
import { selectorText } from './selector.ts';
import { copiesFor, shareOf, sidesFor } from './share.ts';
import { CANARY, replicaSplit, type Split } from './split.ts';
import { gatewaySplit } from './split-gateway.ts';
import { ingressSplit } from './split-ingress.ts';
import { asMany, bringBack, makeFewer, untilFewer, wantedOf } from './stable.ts';
import { rolloutStatus } from './status.ts';
import { ensure, findTwin, type Role, removeOurs, scaleTwin, twinName, twinOf } from './twin.ts';
import { awaitHealth, type Wait } from './wait.ts';

type Strategy = RolloutStrategy & { kind: 'canary' };

/** @throws KUBERNETES_STRATEGY_NOT_APPLICABLE */
export async function splitFor(run: Run, object: WorkloadObject, traffic: TrafficSplit | undefined): Promise<Split> {
  switch (traffic?.kind) {
    case 'gateway':
      return await gatewaySplit(run, object, traffic.route);
    case 'ingress':
      return await ingressSplit(run, object, traffic.ingress);
    default:
      return replicaSplit;
  }
}

/** Copies of the new image beside the workload. One of another image is a leftover and goes first. */
export async function ensureTwin(
  run: Run,
  owner: WorkloadObject,
  role: Role,
  copies: number,
  split: Pick<Split, 'detached'>,
): Promise<void> {
  const found = await findTwin(run, role);
  const image = found === undefined ? undefined : containersOf(found).find(({ name }) => name === run.container)?.image;
  if (found !== undefined && image !== run.request.image) await removeOurs(run, 'Deployment', twinName(run.name, role));
  const twin = await ensure<WorkloadObject>(run, owner, 'Deployment', twinOf(run, owner, role, copies, split.detached));
  if (twin.spec?.replicas !== copies) await scaleTwin(run, twin.metadata.name, copies);
}

/** How far our copies are. */
export async function twinStatus(run: Run, role: Role): Promise<RolloutStatus> {
  const twin = await findTwin(run, role);
  if (twin !== undefined) return rolloutStatus('Deployment', twin);
  return { kind: 'stuck', reason: `somebody removed Deployment ${twinName(run.name, role)}`, blame: 'operator' };
}

/** Selects our copies alone. */
export async function twinPods(run: Run, role: Role): Promise<string> {
  const twin = await findTwin(run, role);
  return twin?.spec?.selector === undefined ? `${ROLE}=${role}` : selectorText(twin.spec.selector);
}

/** Requests to where they went before, then the copies go. */
export async function tearDown(run: Run, split: Split): Promise<void> {
  if (await split.restore())
    await sleep(run.pace.drain, undefined, run.signal === undefined ? {} : { signal: run.signal });
  await removeOurs(run, 'Deployment', twinName(run.name, CANARY));
  await split.remove();
}

const waitFor = async (run: Run, from: string): Promise<Wait> => ({
  image: from,
  candidate: run.request.image,
  pods: await twinPods(run, CANARY),
  assess: async () => await twinStatus(run, CANARY),
  obey: true,
});

/** One step: copies, health, share, hold. */
async function takeStep(
  run: Run,
  follower: Follower,
  split: Split,
  from: string,
  { index, count, step }: { readonly index: number; readonly count: number; readonly step: CanaryStep },
): Promise<'go' | 'promote' | Exclude<Verdict, { kind: 'healthy' }>> {
  const owner = await readRun(run);
  const wanted = wantedOf(run, owner);
  const byCopies = split === replicaSplit;
  const sides = byCopies ? sidesFor(wanted, step.weight) : { copies: copiesFor(wanted, step.weight), stable: wanted };
  await saveClaim(run, { step: index });
  await split.prepare(owner);
  await ensureTwin(run, owner, CANARY, sides.copies, split);
  const wait = await waitFor(run, from);
  const verdict = await awaitHealth(run, follower, {
    ...wait,
    progress: (done, total) => run.request.progress?.update(`canary ${step.weight} %`, done, total, run.name),
  });
  if (verdict.kind !== 'healthy') return verdict;
  await split.share(step.weight);
  if (byCopies && (owner.spec?.replicas ?? 1) !== sides.stable) {
    await makeFewer(run, wanted, sides.stable);
    const fewer = await awaitHealth(run, follower, untilFewer(wait, sides.stable));
    if (fewer.kind !== 'healthy') return fewer;
  }
  const held = await holdStep(
    run,
    follower,
    {
      index,
      count,
      // What is, not what was asked: few copies cannot share finely.
      weight: byCopies ? shareOf(sides) : step.weight,
      ...(step.pause === undefined ? {} : { pause: step.pause }),
      from,
      before: ownPods(owner),
      after: wait.pods,
    },
    wait,
  );
  return held.kind === 'go' || held.kind === 'promote' ? held.kind : held;
}

/** Steps from where the claim says it is. */
async function walk(
  run: Run,
  follower: Follower,
  split: Split,
  from: string,
  steps: readonly CanaryStep[],
): Promise<Verdict> {
  for (let index = Math.min(run.claim.step, steps.length); index < steps.length; index += 1) {
    const step = steps[index] as CanaryStep;
    const result = await takeStep(run, follower, split, from, { index, count: steps.length, step });
    if (result === 'promote') break;
    if (result !== 'go') return result;
  }
  return { kind: 'healthy' };
}

/** What ends a canary before its copies have served anything, and is no word about the image. */
const REFUSALS = ['KUBERNETES_ADMISSION_REFUSED', 'KUBERNETES_NAME_TAKEN', 'KUBERNETES_REFUSED', 'KUBERNETES_CONFLICT'];

/**
 * Copies of the new image beside the old ones, more of the requests for them step by step, then the workload itself gets the
 * image and the copies go. The workload is not changed before the last step, and its number of copies never.
 */
export async function canary(run: Run, follower: Follower, from: string, strategy: Strategy): Promise<End> {
  const split = await splitFor(run, await readRun(run), strategy.traffic);
  try {
    let verdict: Verdict = { kind: 'healthy' };
    const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
    if (phase === 'back') verdict = { kind: 'failed', reason, blame };
    else if (phase === 'steps') verdict = await walk(run, follower, split, from, strategy.steps);
    if (verdict.kind === 'healthy') {
      await saveClaim(run, { phase: 'promoting' });
      verdict = await roll(run, follower, from, { phase: 'promoting' });
      // Copies beside it serve until it has as many again.
      if (verdict.kind === 'healthy') verdict = await bringBack(run, follower, run.request.image, true);
    }
    if (verdict.kind === 'failed') {
      await saveClaim(run, { phase: 'back', reason: verdict.reason, blame: verdict.blame });
    }
    await fullAgain(run, follower, verdict);
    await tearDown(run, split);
    if (verdict.kind === 'healthy') return { kind: 'rolledout' };
    if (verdict.kind === 'overtaken') return verdict;
    return await backIfSet(run, follower, verdict);
  } catch (error) {
    if (isHeraklitError(error, 'KUBERNETES_WORKLOAD_MISSING')) await split.restore().catch(() => {});
    if (isHeraklitError(error, ...REFUSALS)) {
      await asMany(run).catch(() => {});
      await tearDown(run, split).catch(() => {});
    }
    throw error;
  }
}

/** On the way back, and where somebody else took over: as many copies of the workload itself as before come first. */
async function fullAgain(run: Run, follower: Follower, verdict: Verdict): Promise<void> {
  if (verdict.kind === 'healthy') return;
  if (verdict.kind === 'overtaken') return await asMany(run);
  const now = containersOf(await readRun(run)).find(({ name }) => name === run.container)?.image ?? '';
  // New copies that broke are not waited for: what takes the workload back sees to those that come then.
  if (now === run.request.image) return await asMany(run);
  const back = await bringBack(run, follower, now, false);
  if (back.kind !== 'failed') return;
  throw kubernetesError(
    'KUBERNETES_ROLLBACK_INCOMPLETE',
    `${titleOf(run)} failed on ${run.request.image} (${verdict.reason}), and its copies of before did not all come back: ${back.reason}`,
  );
}

/** Puts the old image back where the workload itself has the new one already. */
export async function backIfSet(run: Run, follower: Follower, failed: Verdict & { kind: 'failed' }): Promise<End> {
  const object = await readRun(run);
  const now = containersOf(object).find(({ name }) => name === run.container)?.image;
  if (now === run.request.image && run.claim.previous !== run.request.image)
    return await rollBack(run, follower, failed);
  return { kind: 'rolledback', reason: failed.reason, blame: failed.blame };
}
