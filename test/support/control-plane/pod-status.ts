import { createHash } from 'node:crypto';
import type { ApiObject } from './api.ts';

/**
 * What becomes of a container, told by the end of its repository's name (`web-crash`) or by the pod's annotation
 * `test.heraklit.io/behaviour`.
 */
export type Behaviour = 'ready' | 'crash' | 'pull' | 'unready' | 'complete';

const BEHAVIOURS: readonly Behaviour[] = ['crash', 'pull', 'unready', 'complete'];

function behaviourOf(pod: ApiObject, image: string): Behaviour {
  const told = pod.metadata.annotations?.['test.heraklit.io/behaviour'];
  const [bare = ''] = image.split('@');
  const repository = bare.slice(bare.lastIndexOf('/') + 1).split(':')[0] ?? '';
  const own = BEHAVIOURS.find((behaviour) => told === behaviour || repository.endsWith(`-${behaviour}`));
  if (own !== undefined) return own;
  // A digest of zeros is one that no registry has.
  if (/@sha256:0{64}$/.test(image)) return 'pull';
  return pod.metadata.ownerReferences?.[0]?.kind === 'Job' ? 'complete' : 'ready';
}

/** As containerd tells it; a tag's digest is made up of its name. */
function imageIdOf(image: string): string {
  if (image.includes('@sha256:')) return image.replace(/:[^:/@]+@/, '@');
  const repository = image.replace(/:[^:/]+$/, '');
  return `${repository}@sha256:${createHash('sha256').update(image).digest('hex')}`;
}

const at = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

function stateOf(behaviour: Behaviour, now: string): { state: object; lastState: object; restartCount: number } {
  switch (behaviour) {
    case 'crash':
      return {
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: now, finishedAt: now } },
        restartCount: 4,
      };
    case 'pull':
      return {
        state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image: not found' } },
        lastState: {},
        restartCount: 0,
      };
    case 'complete':
      return {
        state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } },
        lastState: {},
        restartCount: 0,
      };
    default:
      return { state: { running: { startedAt: now } }, lastState: {}, restartCount: 0 };
  }
}

interface ContainerSpec {
  readonly name: string;
  readonly image: string;
}

function containerStatus(pod: ApiObject, { name, image }: ContainerSpec, now: string, initial = false): object {
  const behaviour = initial ? 'complete' : behaviourOf(pod, image);
  return {
    name,
    image,
    imageID: behaviour === 'pull' ? '' : imageIdOf(image),
    containerID:
      behaviour === 'pull'
        ? ''
        : `containerd://${createHash('sha256').update(`${pod.metadata.uid}${name}`).digest('hex')}`,
    ready: initial || behaviour === 'ready',
    started: behaviour === 'ready' || behaviour === 'unready',
    ...stateOf(behaviour, now),
  };
}

/** The status that a kubelet would report once it has started (or tried to start) the pod's containers. */
export function podStatus(pod: ApiObject, number: number, now = Date.now()): object {
  const spec = pod.spec as {
    containers: ContainerSpec[];
    initContainers?: ContainerSpec[];
    ephemeralContainers?: ContainerSpec[];
  };
  const time = at(now);
  const behaviours = spec.containers.map(({ image }) => behaviourOf(pod, image));
  const ready = behaviours.every((one) => one === 'ready');
  const done = behaviours.every((one) => one === 'complete');
  const condition = (type: string, status: boolean): object => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime: time,
    ...(status || done ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status' }),
  });
  return {
    phase: done ? 'Succeeded' : behaviours.includes('pull') ? 'Pending' : 'Running',
    hostIP: '127.0.0.1',
    podIP: `10.${200 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`,
    startTime: time,
    conditions: [
      condition('Initialized', true),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      { type: 'PodScheduled', status: 'True', lastTransitionTime: time },
    ],
    containerStatuses: spec.containers.map((container) => containerStatus(pod, container, time)),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainerStatuses: spec.initContainers.map((container) => containerStatus(pod, container, time, true)) }),
    ...(spec.ephemeralContainers === undefined
      ? {}
      : { ephemeralContainerStatuses: spec.ephemeralContainers.map((one) => containerStatus(pod, one, time)) }),
  };
}
