import type { CanaryStep, RolloutStrategy } from '../strategy.ts';
import { disown, mergePatch } from './calls.ts';
import type { Follower } from './follower.ts';
import { holdStep } from './hold.ts';
import type { WorkloadObject } from './objects.ts';
import { type End, ownPods, rollBack } from './rolling.ts';
import { goneError, type Run, readRun, saveClaim, type Verdict } from './run.ts';
import { notApplicable } from './services.ts';
import { setImage } from './set-image.ts';
import { rolloutStatus } from './status.ts';
import { awaitHealth, type Wait } from './wait.ts';

type Strategy = RolloutStrategy & { kind: 'canary' };

export const partitionOf = (object: WorkloadObject): number =>
  object.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;

/** @throws KUBERNETES_STRATEGY_NOT_APPLICABLE */
export function refusePartition(run: Run, object: WorkloadObject, strategy: Strategy): void {
  if (strategy.traffic !== undefined && strategy.traffic.kind !== 'replicas') {
    throw notApplicable(
      run,
      'pods of a StatefulSet have names and volumes of their own, so no copies can stand beside them',
      'Split by replicas: its partition is moved.',
    );
  }
  if (object.spec?.updateStrategy?.type === 'OnDelete') throw notApplicable(run, 'its updateStrategy is OnDelete');
  if (partitionOf(object) > 0) {
    throw notApplicable(run, `its partition is ${partitionOf(object)} already, by somebody who wants it so`);
  }
}

async function setPartition(run: Run, partition: number): Promise<void> {
  const body = { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } } } };
  if ((await mergePatch(run, run.kind, run.name, body)) === 'gone') throw await goneError(run);
}

/** The pods with the highest numbers first; at least one, and all only at 100 %. */
export const pods = (wanted: number, weight: number): number =>
  weight >= 100 ? wanted : Math.max(1, Math.min(wanted - 1, Math.round((wanted * weight) / 100)));

async function takeStep(
  run: Run,
  follower: Follower,
  from: string,
  { index, count, step }: { readonly index: number; readonly count: number; readonly step: CanaryStep },
): Promise<'go' | 'promote' | Exclude<Verdict, { kind: 'healthy' }>> {
  const object = await readRun(run);
  const wanted = object.spec?.replicas ?? 1;
  const updated = pods(wanted, step.weight);
  await saveClaim(run, { step: index });
  await setPartition(run, wanted - updated);
  const wait: Wait = {
    image: run.request.image,
    candidate: run.request.image,
    pods: ownPods(object),
    assess: async (now) => rolloutStatus(run.kind, now),
    obey: true,
  };
  const verdict = await awaitHealth(run, follower, wait);
  if (verdict.kind !== 'healthy') return verdict;
  const weight = Math.round((100 * updated) / Math.max(1, wanted));
  const { pause } = step;
  const sides = { from, before: wait.pods, after: wait.pods };
  const held = await holdStep(
    run,
    follower,
    { index, count, weight, ...(pause === undefined ? {} : { pause }), ...sides },
    wait,
  );
  return held.kind === 'go' || held.kind === 'promote' ? held.kind : held;
}

async function walk(run: Run, follower: Follower, from: string, steps: readonly CanaryStep[]): Promise<Verdict> {
  // The partition first: with it at the number of pods, a new image changes none of them.
  const object = await readRun(run);
  if (run.claim.step === 0) await setPartition(run, object.spec?.replicas ?? 1);
  const { image: to, tag } = run.request;
  const overtaken = await setImage(run, { from, to, tag, claim: {} });
  if (overtaken !== undefined) return overtaken;
  for (let index = Math.min(run.claim.step, steps.length); index < steps.length; index += 1) {
    const result = await takeStep(run, follower, from, {
      index,
      count: steps.length,
      step: steps[index] as CanaryStep,
    });
    if (result === 'promote') break;
    if (result !== 'go') return result;
  }
  return { kind: 'healthy' };
}

/** Canary of a StatefulSet: the platform's own partition, moved down step by step. */
export async function partitionCanary(run: Run, follower: Follower, from: string, strategy: Strategy): Promise<End> {
  const before = run.claim.partition ?? 0;
  let verdict: Verdict = { kind: 'healthy' };
  const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
  if (phase === 'back') verdict = { kind: 'failed', reason, blame };
  else if (phase === 'steps') verdict = await walk(run, follower, from, strategy.steps);
  if (verdict.kind === 'healthy') {
    await saveClaim(run, { phase: 'promoting' });
    await setPartition(run, before);
    const object = await readRun(run);
    verdict = await awaitHealth(run, follower, {
      image: run.request.image,
      candidate: run.request.image,
      pods: ownPods(object),
      assess: async (now) => rolloutStatus(run.kind, now),
      obey: true,
      progress: (done, total) => run.request.progress?.update('rollout', done, total, run.name),
    });
  }
  const end: End =
    verdict.kind === 'healthy'
      ? { kind: 'rolledout' }
      : verdict.kind === 'overtaken'
        ? verdict
        : await rollBack(run, follower, verdict);
  await setPartition(run, before);
  await disown(run, run.kind, run.name);
  return end;
}
