import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { RolloutOutcome, RolloutRequest, Workload } from '../port.ts';
import type { RolloutStrategy } from '../strategy.ts';
import { begin, containerOf, newClaim, refuseInapplicable } from './begin.ts';
import { blueGreen } from './blue-green.ts';
import { canary } from './canary.ts';
import { claimOf, newHolder } from './claim.ts';
import type { KubernetesClient } from './client.ts';
import { isAway, kubernetesError } from './errors.ts';
import { Follower } from './follower.ts';
import { foreignRollout } from './foreign.ts';
import { digestIn } from './list.ts';
import { FOREIGN_KINDS, type RunKind, WORKLOAD_KINDS, type WorkloadObject } from './objects.ts';
import { partitionCanary } from './partition.ts';
import { type End, rollBack, rollingUpdate } from './rolling.ts';
import { DEFAULT_PACE, dropClaim, type Pace, type Run, readRun, refuseTerminating, saveClaim } from './run.ts';
import { wantedOf } from './stable.ts';
import { rolloutStatus } from './status.ts';

async function carryOut(
  run: Run,
  follower: Follower,
  from: string,
  strategy: RolloutStrategy,
  object: WorkloadObject,
): Promise<End> {
  if (run.kind === 'Rollout' || run.kind === 'KnativeService') return await foreignRollout(run, follower, from);
  const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
  if (strategy.kind === 'rolling' || wantedOf(run, object) === 0) {
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
  run.signal?.aborted === true || isAway(error) || isHeraklitError(error, 'KUBERNETES_ROLLBACK_INCOMPLETE');

async function letGo(run: Run): Promise<void> {
  // By a call without the signal that has ended this one; if it fails, the claim ends by itself after a while.
  const free: Run = { ...run, signal: undefined };
  const object = await readRun(free).catch(() => undefined);
  if (object === undefined || claimOf(object)?.holder !== run.claim.holder) return;
  await saveClaim(free, { holder: '' }).catch(() => {});
}

const isOfCluster = (kind: Workload['kind']): kind is RunKind =>
  ([...WORKLOAD_KINDS, ...FOREIGN_KINDS] as readonly string[]).includes(kind);

/** Looks for which a controller may lag behind the newest state: the end of a rollout of ours is one, by its annotations. */
const UNSEEN = 3;

async function readSeen(run: Run, { look }: Pace): Promise<WorkloadObject> {
  for (let looks = 1; ; looks += 1) {
    const object = await readRun(run);
    const status = rolloutStatus(run.kind, object);
    const unseen = status.kind === 'progressing' && status.unseen === true;
    if (!unseen || claimOf(object) !== undefined || looks === UNSEEN) return object;
    await sleep(look, undefined, run.signal === undefined ? {} : { signal: run.signal }).catch(() => undefined);
    run.signal?.throwIfAborted();
  }
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
  if (!isOfCluster(kind)) {
    throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${workload} is a ${kind}, which no cluster has`);
  }
  const place = { client, kind, namespace, name, signal };
  const object = await readSeen(place as Run, pace);
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
  const claim = newClaim(object, container, request, strategy, { holder: holder.name, every: pace.renew });
  const run: Run = { ...place, container: container.name, request, pace, claim };
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
      from: set ? claim.previous : claim.from,
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
