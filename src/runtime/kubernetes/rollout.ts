import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload } from '../port.ts';
import type { RolloutStrategy } from '../strategy.ts';
import { Annotation } from './apply.ts';
import { blueGreen, switchFor } from './blue-green.ts';
import { canary, splitFor } from './canary.ts';
import { claimOf, holderState, newHolder } from './claim.ts';
import type { KubernetesClient } from './client.ts';
import { kubernetesError } from './errors.ts';
import { Follower } from './follower.ts';
import { clearUp } from './leftovers.ts';
import { digestIn } from './list.ts';
import { type Container, containersOf, WORKLOAD_KINDS, type WorkloadKind, type WorkloadObject } from './objects.ts';
import { partitionCanary, partitionOf, refusePartition } from './partition.ts';
import { type End, rollBack, rollingUpdate } from './rolling.ts';
import {
  DEFAULT_PACE,
  dropClaim,
  type Pace,
  putClaim,
  type Run,
  readRun,
  refuseTerminating,
  saveClaim,
  titleOf,
} from './run.ts';
import { notApplicable } from './services.ts';
import { rolloutStatus } from './status.ts';

const ATTEMPTS = 10;
/** Signs of life that may be missing. */
const PATIENCE = 3;

/** @throws KUBERNETES_WORKLOAD_MISSING */
function containerOf(
  run: Pick<Run, 'kind' | 'namespace' | 'name'>,
  object: WorkloadObject,
  wanted: string | undefined,
): Container {
  const containers = containersOf(object);
  const found = containers.find(({ name }) => name === (wanted ?? containers[0]?.name));
  if (found !== undefined) return found;
  throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${titleOf(run)} has no container ${wanted ?? ''}`);
}

/** What is refused before anything changes. @throws KUBERNETES_STRATEGY_NOT_APPLICABLE, KUBERNETES_WORKLOAD_PAUSED */
async function refuseInapplicable(run: Run, object: WorkloadObject, strategy: RolloutStrategy): Promise<void> {
  if (object.spec?.paused === true) {
    throw kubernetesError('KUBERNETES_WORKLOAD_PAUSED', `${titleOf(run)} is paused`, {
      hint: `Resume it first: kubectl rollout resume deployment/${run.name}`,
    });
  }
  if (strategy.kind === 'rolling') return;
  if (strategy.kind === 'canary' && run.kind === 'StatefulSet') return refusePartition(run, object, strategy);
  if (run.kind !== 'Deployment') {
    throw notApplicable(run, `it is a ${run.kind}`, 'Use the strategy rolling for it.');
  }
  if (strategy.kind === 'canary') await splitFor(run, object, strategy.traffic);
  else await switchFor(run, object, strategy);
}

/**
 * Nobody else may be at it. A holder on this machine is known to live or not; of one elsewhere only time tells.
 * @returns the object when its claim may be taken over. @throws KUBERNETES_ROLLOUT_BUSY
 */
async function awaitTurn(run: Run): Promise<WorkloadObject> {
  const object = await readRun(run);
  const claim = claimOf(object);
  if (claim === undefined) return object;
  const state = await holderState(claim.holder);
  if (state === 'dead') return object;
  if (state === 'unknown') {
    const until = performance.now() + PATIENCE * Math.min(Math.max(claim.every, 1), 10 * DEFAULT_PACE.renew);
    for (;;) {
      await sleep(run.pace.look, undefined, run.signal === undefined ? {} : { signal: run.signal });
      const now = await readRun(run);
      const found = claimOf(now);
      if (found?.holder !== claim.holder || found.renewed !== claim.renewed) {
        if (found === undefined || found.holder === '') return now;
        break;
      }
      if (performance.now() > until) return now;
    }
  }
  throw kubernetesError('KUBERNETES_ROLLOUT_BUSY', `another process is rolling out ${claim.image} to ${titleOf(run)}`, {
    hint: 'Wait for it, or end it; a claim whose holder is gone is taken over.',
    details: { image: claim.image, holder: claim.holder },
  });
}

/** Takes the workload for this call, before anything else is written. */
async function begin(
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

async function carryOut(
  run: Run,
  follower: Follower,
  from: string,
  strategy: RolloutStrategy,
  object: WorkloadObject,
): Promise<End> {
  const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
  if (strategy.kind === 'rolling' || (object.spec?.replicas ?? 1) === 0) {
    return phase === 'back'
      ? await rollBack(run, follower, { kind: 'failed', reason, blame })
      : await rollingUpdate(run, follower, from);
  }
  if (strategy.kind === 'blueGreen') return await blueGreen(run, follower, from, strategy);
  return run.kind === 'StatefulSet'
    ? await partitionCanary(run, follower, from, strategy)
    : await canary(run, follower, from, strategy);
}

interface Told {
  readonly workload: string;
  readonly from: string;
  readonly to: string;
  readonly interrupted: false;
  readonly milliseconds: number;
}

function outcomeOf(end: End, told: Told): RolloutOutcome {
  switch (end.kind) {
    case 'rolledout':
      return { kind: 'rolledout', ...told };
    case 'overtaken':
      return { kind: 'overtaken', ...told, reason: end.reason };
    default:
      return { kind: 'rolledback', ...told, reason: end.reason, blame: end.blame };
  }
}

/** Left for the next call, which goes on from the claim: the caller ended this one, or the cluster is away. */
const leavesClaim = (run: Run, error: unknown): boolean =>
  run.signal?.aborted === true || isHeraklitError(error, 'KUBERNETES_UNAVAILABLE', 'KUBERNETES_ROLLBACK_INCOMPLETE');

async function letGo(run: Run): Promise<void> {
  // By a call without the signal that has ended this one; if it fails, the claim ends by itself after a while.
  const free: Run = { ...run, signal: undefined };
  await saveClaim(free, { holder: '' }).catch(() => {});
}

const isNative = (kind: Workload['kind']): kind is WorkloadKind => (WORKLOAD_KINDS as readonly string[]).includes(kind);

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

/** @throws KUBERNETES_WORKLOAD_MISSING and what the strategies throw */
export async function rolloutOnKubernetes(
  client: KubernetesClient,
  request: RolloutRequest,
  signal?: AbortSignal,
  pace: Pace = DEFAULT_PACE,
): Promise<RolloutOutcome> {
  const started = performance.now();
  const { kind, namespace, name, id: workload } = request.workload;
  if (!isNative(kind)) {
    throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${workload} is a ${kind}, which no cluster has`);
  }
  const place = { client, kind, namespace, name, signal };
  const object = await readRun(place as Run);
  const container = containerOf(place, object, request.container);
  const to = request.image;
  const left = claimOf(object);
  const set = digestIn(container.image) === request.digest;
  const known = request.workload.containers.find((one) => one.name === container.name)?.digest;
  const running = digestIn(container.image) === undefined && known === request.digest;
  const complete = rolloutStatus(kind, object).kind === 'complete';
  if (left === undefined && (running || (set && complete))) return { kind: 'unchanged', workload, to };
  // Set already, by a call that left no claim: what is left to do is to wait, or to take it back.
  const strategy: RolloutStrategy = (set && left === undefined ? undefined : request.strategy) ?? { kind: 'rolling' };
  const holder = await newHolder();
  const previous = previousOf(object, container, request);
  const run: Run = {
    ...place,
    container: container.name,
    request,
    pace,
    claim: {
      version: 1,
      container: container.name,
      image: to,
      from: container.image ?? '',
      previous,
      strategy: strategy.kind,
      phase: 'steps',
      step: 0,
      ...(strategy.kind === 'canary' && strategy.traffic !== undefined ? { traffic: strategy.traffic } : {}),
      holder: holder.name,
      renewed: 0,
      every: pace.renew,
    },
  };
  let follower: Follower | undefined;
  try {
    await refuseTerminating(run);
    if (left === undefined || left.image !== to) await refuseInapplicable(run, object, strategy);
    const { from, object: begun } = await begin(run, strategy);
    follower = new Follower(run);
    const end = await carryOut(run, follower, from, strategy, begun);
    await dropClaim(run);
    const milliseconds = Math.round(performance.now() - started);
    return outcomeOf(end, {
      workload,
      from: set ? previous : (container.image ?? ''),
      to,
      interrupted: false,
      milliseconds,
    });
  } catch (error) {
    if (leavesClaim(run, error)) await letGo(run);
    else await dropClaim(run).catch(() => {});
    throw error;
  } finally {
    follower?.close();
    holder.end();
  }
}
