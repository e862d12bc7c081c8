import type { RolloutBlame } from '../strategy.ts';
import { argoStatus, knativeStatus } from './foreign-status.ts';
import type { Condition, Pod, RunKind, WorkloadObject } from './objects.ts';
import type { RolloutStatus } from './rollout-status.ts';

const condition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((one) => one.type === type);

function deploymentStatus({ spec, status }: WorkloadObject): RolloutStatus {
  const wanted = spec?.replicas ?? 1;
  const updated = status?.updatedReplicas ?? 0;
  const available = status?.availableReplicas ?? 0;
  const progressing = condition(status?.conditions, 'Progressing');
  const failure = condition(status?.conditions, 'ReplicaFailure');
  if (failure?.status === 'True') {
    return { kind: 'stuck', reason: failure.message ?? failure.reason ?? 'ReplicaFailure', blame: 'environment' };
  }
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return { kind: 'stuck', reason: progressing.message ?? progressing.reason, blame: 'image' };
  }
  const old = (status?.replicas ?? 0) - updated;
  if (updated >= wanted && old <= 0 && available >= updated) return { kind: 'complete' };
  const done = Math.max(0, Math.min(updated, available - old));
  return {
    kind: 'progressing',
    done,
    total: wanted,
    detail: `${updated} of ${wanted} updated, ${available} available${spec?.paused === true ? '; the Deployment is paused' : ''}`,
  };
}

function statefulSetStatus({ spec, status }: WorkloadObject): RolloutStatus {
  if (spec?.updateStrategy?.type === 'OnDelete') return { kind: 'complete' };
  const wanted = Math.max(0, (spec?.replicas ?? 1) - (spec?.updateStrategy?.rollingUpdate?.partition ?? 0));
  const updated = status?.updatedReplicas ?? 0;
  const available = status?.availableReplicas ?? status?.readyReplicas ?? 0;
  const whole = status?.updateRevision === status?.currentRevision || updated >= wanted;
  if (whole && updated >= wanted && available >= (spec?.replicas ?? 1)) return { kind: 'complete' };
  return {
    kind: 'progressing',
    done: updated,
    total: wanted,
    detail: `${updated} of ${wanted} updated, ${available} ready`,
  };
}

function daemonSetStatus({ spec, status }: WorkloadObject): RolloutStatus {
  if (spec?.updateStrategy?.type === 'OnDelete') return { kind: 'complete' };
  const wanted = status?.desiredNumberScheduled ?? 0;
  const updated = status?.updatedNumberScheduled ?? 0;
  const available = status?.numberAvailable ?? 0;
  if (updated >= wanted && available >= wanted) return { kind: 'complete' };
  return {
    kind: 'progressing',
    done: updated,
    total: wanted,
    detail: `${updated} of ${wanted} updated, ${available} available`,
  };
}

/** Where a rollout stands, as `kubectl rollout status` reads it; until the controller has seen the change, nowhere. */
export function rolloutStatus(kind: RunKind, object: WorkloadObject): RolloutStatus {
  if (kind === 'CronJob') return { kind: 'complete' };
  if (kind === 'Rollout') return argoStatus(object);
  if (kind === 'KnativeService') return knativeStatus(object);
  if (Number(object.status?.observedGeneration ?? 0) < (object.metadata.generation ?? 0)) {
    return {
      kind: 'progressing',
      done: 0,
      total: object.spec?.replicas ?? 1,
      detail: 'the controller has not seen the change',
      unseen: true,
    };
  }
  switch (kind) {
    case 'Deployment':
      return deploymentStatus(object);
    case 'StatefulSet':
      return statefulSetStatus(object);
    default:
      return daemonSetStatus(object);
  }
}

const PULL = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'InvalidImageName',
]);
const SETUP = new Set(['CreateContainerConfigError', 'ContainerCreating', 'PodInitializing']);

export interface Blame {
  readonly reason: string;
  readonly blame: RolloutBlame;
}

/** A container that ended as often as this is not about to become ready: no need to wait for the deadline. */
const CRASHES = 3;

/** Pods that run this image in this container and are not on their way out. */
export function podsWith(pods: readonly Pod[], container: string, image: string): readonly Pod[] {
  return pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      pod.spec?.containers?.some(({ name, image: own }) => name === container && own === image) === true,
  );
}

export const restartsOf = (pods: readonly Pod[], container: string): number =>
  pods
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .filter(({ name }) => name === container)
    .reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);

/** The first of these pods whose container starts and ends again and again. */
export function crashLoop(pods: readonly Pod[], container: string): Blame | undefined {
  for (const { metadata, status } of pods) {
    const found = status?.containerStatuses?.find(({ name }) => name === container);
    const { restartCount = 0, state } = found ?? {};
    if (state?.waiting?.reason !== 'CrashLoopBackOff' || restartCount < CRASHES) continue;
    return { reason: `${metadata.name}: CrashLoopBackOff, ${restartCount} restarts`, blame: 'image' };
  }
  return undefined;
}

function blamePod(pod: Pod, container: string): Blame | undefined {
  const { name } = pod.metadata;
  const status = pod.status?.containerStatuses?.find((one) => one.name === container);
  if (status?.ready === true) return undefined;
  const scheduled = condition(pod.status?.conditions, 'PodScheduled');
  if (scheduled?.status === 'False') {
    return { reason: `${name}: ${scheduled.message ?? scheduled.reason ?? 'not scheduled'}`, blame: 'environment' };
  }
  const { waiting, terminated } = status?.state ?? {};
  if (PULL.has(waiting?.reason ?? '') || SETUP.has(waiting?.reason ?? '')) {
    return { reason: `${name}: ${waiting?.reason} ${waiting?.message ?? ''}`.trim(), blame: 'environment' };
  }
  const detail = waiting?.reason ?? (terminated === undefined ? 'not ready' : `ended with ${terminated.exitCode}`);
  return { reason: `${name}: ${detail}, ${status?.restartCount ?? 0} restarts`, blame: 'image' };
}

/** Why pods that run the candidate are not ready, and whether the image had a fair trial: one such pod is enough. */
export function blamePods(pods: readonly Pod[], container: string, image: string): Blame | undefined {
  const found = podsWith(pods, container, image)
    .map((pod) => blamePod(pod, container))
    .filter((blame) => blame !== undefined);
  return found.find(({ blame }) => blame === 'image') ?? found[0];
}
