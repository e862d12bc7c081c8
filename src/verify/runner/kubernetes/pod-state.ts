import type { ObservedPod } from '../../../runtime/index.ts';
import { blameOf } from '../blame.ts';
import type { PartState } from '../port.ts';

/** What a pod tells of the one container in it. `lost`: the cluster is to blame. `refused`: it cannot be started. */
export type PodState =
  | PartState
  | { readonly kind: 'refused'; readonly blame: 'part' | 'environment'; readonly reason: string }
  | { readonly kind: 'unschedulable'; readonly detail: string }
  | { readonly kind: 'lost'; readonly reason: string };

/** Reasons of a waiting container: its image cannot be had. */
const NO_IMAGE =
  /^(?:ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|ImageInspectError|RegistryUnavailable|SignatureValidationFailed)$/;
const NOT_STARTED = /^(?:CreateContainerError|RunContainerError|CreateContainerConfigError|CrashLoopBackOff)$/;
/** Reasons of an ended container: it never ran. */
const NEVER_RAN = /^(?:StartError|ContainerCannotRun)$/;
/** What is wanted to run and does not, for reasons that are not its own: evicted, its node gone or shut down. */
const TAKEN =
  /^(?:Evicted|Preempting|Preempted|NodeLost|NodeShutdown|Terminated|Shutdown|NodeAffinity|UnexpectedAdmissionError|OutOf\w+|DeadlineExceeded|ContainerStatusUnknown)$/;

const told = (reason: string | undefined, message: string | undefined): string =>
  [reason, message]
    .filter((one) => one !== undefined && one !== '')
    .join(': ')
    .replace(/\s+/g, ' ');

type Terminated = NonNullable<
  NonNullable<NonNullable<ObservedPod['status']>['containerStatuses']>[number]['state']
>['terminated'];

function endedState(terminated: NonNullable<Terminated>, memory: number | undefined): PodState {
  const { reason = '', message = '', exitCode = -1 } = terminated;
  if (NEVER_RAN.test(reason)) return { kind: 'refused', blame: blameOf(message), reason: told(reason, message) };
  if (TAKEN.test(reason)) return { kind: 'lost', reason: told(reason, message) };
  const limit = memory === undefined ? '' : ` (limit ${memory} bytes)`;
  if (reason === 'OOMKilled') return { kind: 'ended', exitCode, detail: `it ran out of memory${limit}` };
  return { kind: 'ended', exitCode, detail: '' };
}

function waitingState(reason: string, message: string | undefined): PodState {
  if (NO_IMAGE.test(reason)) return { kind: 'lost', reason: `its image cannot be pulled: ${told(reason, message)}` };
  if (NOT_STARTED.test(reason)) {
    const blame = reason === 'CreateContainerConfigError' ? 'environment' : blameOf(message ?? '');
    return { kind: 'refused', blame, reason: told(reason, message) };
  }
  return { kind: 'starting', detail: told(reason, message) };
}

/** Pure: what has become of a pod. @param memory its limit in bytes, to tell it */
export function podStateOf(pod: ObservedPod | undefined, memory?: number): PodState {
  if (pod === undefined) return { kind: 'lost', reason: 'its pod is gone' };
  const { status, metadata } = pod;
  const disrupted = status?.conditions?.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
  if (disrupted !== undefined) return { kind: 'lost', reason: told(disrupted.reason, disrupted.message) };
  if (status?.reason !== undefined && TAKEN.test(status.reason)) {
    return { kind: 'lost', reason: told(status.reason, status.message) };
  }
  const state = status?.containerStatuses?.[0]?.state;
  if (state?.terminated !== undefined) return endedState(state.terminated, memory);
  if (metadata.deletionTimestamp !== undefined) return { kind: 'lost', reason: 'its pod is being deleted' };
  if (state?.running !== undefined) return { kind: 'running' };
  if (state?.waiting !== undefined) return waitingState(state.waiting.reason ?? '', state.waiting.message);
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled !== undefined) {
    return { kind: 'unschedulable', detail: told(unscheduled.reason, unscheduled.message) };
  }
  if (status?.phase === 'Failed')
    return { kind: 'lost', reason: told(status.reason, status.message) || 'its pod failed' };
  return { kind: 'starting', detail: `its pod is ${status?.phase ?? 'new'}` };
}

/** Its first port is open at the pod's own address. */
export const isReady = (pod: ObservedPod | undefined): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
