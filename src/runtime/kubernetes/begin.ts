import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutRequest } from '../port.ts';
import type { RolloutStrategy } from '../strategy.ts';
import { Annotation } from './apply.ts';
import { switchFor } from './blue-green.ts';
import { splitFor } from './canary.ts';
import { type Claim, claimOf, holderState } from './claim.ts';
import { kubernetesError } from './errors.ts';
import { refuseForeign } from './foreign.ts';
import { clearUp } from './leftovers.ts';
import { digestIn } from './list.ts';
import { type Container, containersOf, type WorkloadObject } from './objects.ts';
import { partitionOf, refusePartition } from './partition.ts';
import { DEFAULT_PACE, putClaim, type Run, readRun, titleOf } from './run.ts';
import { notApplicable } from './services.ts';
import { needsFewer, refuseFewer } from './stable.ts';

const ATTEMPTS = 10;
/** Signs of life that may be missing. */
const PATIENCE = 3;

/** @throws KUBERNETES_WORKLOAD_MISSING */
export function containerOf(
  run: Pick<Run, 'kind' | 'namespace' | 'name'>,
  object: WorkloadObject,
  wanted: string | undefined,
): Container {
  const containers = containersOf(object);
  const found = containers.find(({ name }) => name === (wanted ?? containers[0]?.name));
  if (found !== undefined) return found;
  throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${titleOf(run)} has no container ${wanted ?? ''}`);
}

/** What lets a paused workload go on, where nobody of us paused it. */
const resumeCommand = ({ kind, namespace, name }: Pick<Run, 'kind' | 'namespace' | 'name'>): string =>
  kind === 'Deployment'
    ? `kubectl rollout resume deployment/${name} --namespace ${namespace}`
    : `kubectl patch ${kind.toLowerCase()} ${name} --namespace ${namespace} --type merge --patch '{"spec":{"paused":null}}'`;

/** What is refused before anything changes. @throws KUBERNETES_STRATEGY_NOT_APPLICABLE, KUBERNETES_WORKLOAD_PAUSED */
export async function refuseInapplicable(run: Run, object: WorkloadObject, strategy: RolloutStrategy): Promise<void> {
  if (object.spec?.paused === true && run.kind !== 'CronJob') {
    throw kubernetesError('KUBERNETES_WORKLOAD_PAUSED', `${titleOf(run)} is paused`, {
      hint: `Resume it first: \`${resumeCommand(run)}\`.`,
    });
  }
  if (run.kind === 'Rollout' || run.kind === 'KnativeService') return refuseForeign(run, object, strategy);
  if (strategy.kind === 'rolling') return;
  if (strategy.kind === 'canary' && run.kind === 'StatefulSet') return refusePartition(run, object, strategy);
  if (run.kind !== 'Deployment') {
    throw notApplicable(run, `it is a ${run.kind}`, 'Use the strategy rolling for it.');
  }
  if (strategy.kind === 'canary') {
    if (needsFewer(strategy)) await refuseFewer(run, object);
    await splitFor(run, object, strategy.traffic);
  }
  if (strategy.kind === 'blueGreen') await switchFor(run, object, strategy);
}

/** Waits for a sign of life of a holder that we cannot see. @returns the object when there was none, or it has let go */
async function awaitSilence(run: Run, claim: Claim): Promise<WorkloadObject | undefined> {
  const until = performance.now() + PATIENCE * Math.min(Math.max(claim.every, 1), 10 * DEFAULT_PACE.renew);
  for (;;) {
    await sleep(run.pace.look, undefined, run.signal === undefined ? {} : { signal: run.signal });
    const now = await readRun(run);
    const found = claimOf(now);
    if (found === undefined || found.holder === '') return now;
    if (found.holder !== claim.holder || found.renewed !== claim.renewed) return undefined;
    if (performance.now() > until) return now;
  }
}

/**
 * Nobody else may be at it. A holder on this machine is known to live or not; of one elsewhere only time tells.
 * @returns the object when its claim may be taken over. @throws KUBERNETES_ROLLOUT_BUSY
 */
async function awaitTurn(run: Run): Promise<WorkloadObject> {
  const object = await readRun(run);
  const claim = claimOf(object);
  // Our own is there where the answer to its writing was lost.
  if (claim === undefined || claim.holder === run.claim.holder) return object;
  const state = await holderState(claim.holder);
  if (state === 'dead') return object;
  const silent = state === 'unknown' ? await awaitSilence(run, claim) : undefined;
  if (silent !== undefined) return silent;
  throw kubernetesError('KUBERNETES_ROLLOUT_BUSY', `another process is rolling out ${claim.image} to ${titleOf(run)}`, {
    hint: 'Where that one runs, `heraklit rollout status` tells how far it is and `heraklit rollout abort N` ends it; a claim whose holder is gone is taken over.',
    details: { image: claim.image, holder: claim.holder },
  });
}

/** Takes the workload for this call, before anything else is written. */
export async function begin(
  run: Run,
  strategy: RolloutStrategy,
): Promise<{ readonly from: string; readonly object: WorkloadObject }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await awaitTurn(run);
    const container = containerOf(run, object, run.container);
    const left = claimOf(object);
    const mine = left !== undefined && left.image === run.request.image && left.container === run.container;
    const goesOn = mine && left.strategy === strategy.kind;
    const from = goesOn ? left.from : (container.image ?? '');
    // A rolling update takes it with the very write that sets the image.
    if (left !== undefined || strategy.kind !== 'rolling') {
      const { holder } = run.claim;
      const claim = goesOn
        ? { ...left, holder, every: run.pace.renew }
        : { ...run.claim, partition: partitionOf(object) };
      if (!(await putClaim(run, object, { ...claim, from }))) continue;
    }
    if (!goesOn) await clearUp(run, left);
    return { from, object };
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${titleOf(run)} changes faster than it can be taken`);
}

/** What ran before: a tag moves, so what goes back must be what ran. */
function previousOf(object: WorkloadObject, container: Container, request: RolloutRequest): string {
  const { image = '', name } = container;
  const known = request.workload.containers.find((one) => one.name === name)?.digest;
  const claim = claimOf(object);
  // An unfinished rollout of another image never proved it: what goes back is what ran before that one.
  if (claim !== undefined && claim.container === name && claim.image === image) return claim.previous;
  // Set but not complete: an earlier call lost its process after the apply.
  const set = digestIn(image) === request.digest;
  const from = (set ? object.metadata.annotations?.[Annotation.previous] : undefined) ?? image;
  return digestIn(from) === undefined && known !== undefined ? `${from}@${known}` : from;
}

/** What this call writes on the workload first. */
export function newClaim(
  object: WorkloadObject,
  container: Container,
  request: RolloutRequest,
  strategy: RolloutStrategy,
  { holder, every }: Pick<Claim, 'holder' | 'every'>,
): Claim {
  const traffic = strategy.kind === 'canary' && strategy.traffic !== undefined ? { traffic: strategy.traffic } : {};
  return {
    version: 1,
    container: container.name,
    image: request.image,
    from: container.image ?? '',
    previous: previousOf(object, container, request),
    strategy: strategy.kind,
    phase: 'steps',
    step: 0,
    ...traffic,
    holder,
    renewed: 0,
    every,
  };
}
