import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DebugRequest, DebugStreams } from '../debug-request.ts';
import type { Workload } from '../port.ts';
import { attachTo } from './attach.ts';
import { type KubernetesClient, refused } from './client.ts';
import { kubernetesError } from './errors.ts';
import { ownerOf } from './list.ts';
import { type ContainerStatus, type Pod, pathOf } from './objects.ts';

/** Milliseconds until the tools are pulled and started, and until a conversation's end is seen in the pod. */
const START = 180_000;
const END = 30_000;
const LOOK_EVERY = 250;

/** Reasons of a waiting container that time does not mend. */
const HOPELESS =
  /^(?:ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainer(?:Config)?Error|RunContainerError|CrashLoopBackOff)$/;

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

function belongsTo(pod: Pod, { namespace, kind, name }: Workload): boolean {
  const owner = ownerOf(pod);
  if (kind === 'CronJob') return owner?.startsWith(`${namespace}/Job/${name}-`) === true;
  return owner === `${namespace}/${kind}/${name}`;
}

/** A running pod, a ready one before others. */
async function podOf(client: KubernetesClient, workload: Workload, copy: string | undefined): Promise<Pod> {
  const { namespace, id } = workload;
  const pods = (await client.list<Pod>(pathOf('Pod', namespace))).filter((pod) => belongsTo(pod, workload));
  const named = copy === undefined ? pods : pods.filter(({ metadata }) => metadata.name === copy);
  const running = named.filter(({ status }) => status?.phase === 'Running');
  const found = running.find(isReady) ?? running[0];
  if (found !== undefined) return found;
  const what = copy === undefined ? `no pod of ${id} runs` : `${id} has no pod ${copy} that runs`;
  throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', what, {
    ...(pods.length === 0
      ? {}
      : {
          hint: `It has ${pods
            .map(({ metadata }) => metadata.name)
            .slice(0, 10)
            .join(', ')}.`,
        }),
  });
}

function targetIn(pod: Pod, container: string | undefined): string {
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  const found = container === undefined ? names[0] : names.find((name) => name === container);
  if (found !== undefined) return found;
  throw kubernetesError('KUBERNETES_WORKLOAD_MISSING', `pod ${pod.metadata.name} has no container ${container ?? ''}`, {
    hint: `It has ${names.join(', ')}.`,
  });
}

/**
 * The command waits for one line of input, which is sent when we are attached: nothing it says is lost. Without input of
 * ours it then reads an end, as it would from a pipe that is closed.
 */
function gated({ command, tty }: DebugRequest, stdin: boolean): readonly string[] {
  const script = `read -r _; exec "$@"${tty || stdin ? '' : ' < /dev/null'}`;
  return ['sh', '-c', script, 'sh', ...command];
}

/** Body of the strategic merge patch on `pods/ephemeralcontainers`. */
export function ephemeralContainer(name: string, target: string, request: DebugRequest, stdin: boolean): object {
  return {
    name,
    image: request.image,
    imagePullPolicy: 'IfNotPresent',
    command: gated(request, stdin),
    env: Object.entries(request.environment ?? {}).map(([variable, value]) => ({ name: variable, value })),
    stdin: true,
    tty: request.tty,
    targetContainerName: target,
    securityContext: { runAsUser: 0, runAsNonRoot: false, capabilities: { add: ['SYS_PTRACE'] } },
    terminationMessagePolicy: 'File',
  };
}

async function add(client: KubernetesClient, pod: Pod, container: object, signal?: AbortSignal): Promise<void> {
  const { name, namespace } = pod.metadata;
  const call = {
    method: 'PATCH',
    path: `${pathOf('Pod', namespace, name)}/ephemeralcontainers`,
    contentType: 'application/strategic-merge-patch+json',
    body: { spec: { ephemeralContainers: [container] } },
    signal,
  } as const;
  const answer = await client.call(call);
  if (answer.status === 200) return;
  if (answer.status !== 404) throw refused(call, answer);
  throw kubernetesError(
    'KUBERNETES_DEBUG_FAILED',
    `pod ${name} takes no debug container: ${refused(call, answer).message}`,
    {
      hint: 'Ephemeral containers need Kubernetes 1.25 or newer; or the pod is gone.',
    },
  );
}

async function statusOf(
  client: KubernetesClient,
  pod: Pod,
  name: string,
  signal?: AbortSignal,
): Promise<ContainerStatus | undefined> {
  const call = { path: pathOf('Pod', pod.metadata.namespace, pod.metadata.name), signal };
  const answer = await client.call(call);
  if (answer.status !== 200) throw refused(call, answer);
  return (answer.body as Pod).status?.ephemeralContainerStatuses?.find((one) => one.name === name);
}

async function started(client: KubernetesClient, pod: Pod, name: string, signal?: AbortSignal): Promise<void> {
  const until = Date.now() + START;
  for (;;) {
    const { state } = (await statusOf(client, pod, name, signal)) ?? {};
    if (state?.running !== undefined) return;
    const { reason = '', message = '' } = state?.waiting ?? {};
    const ended = state?.terminated;
    if (HOPELESS.test(reason) || ended !== undefined || Date.now() > until) {
      const why =
        ended === undefined
          ? `${reason || 'no word from its node'}${message === '' ? '' : `: ${message}`}`
          : `it ended with ${ended.exitCode} (${ended.reason})`;
      throw kubernetesError('KUBERNETES_DEBUG_FAILED', `the tools do not start in pod ${pod.metadata.name}: ${why}`, {
        hint: 'The image must be pullable by the node, and have `sh`.',
      });
    }
    await sleep(LOOK_EVERY, undefined, signal === undefined ? {} : { signal });
  }
}

async function exitCodeOf(client: KubernetesClient, pod: Pod, name: string): Promise<number> {
  const until = Date.now() + END;
  for (;;) {
    const ended = (await statusOf(client, pod, name))?.state?.terminated;
    if (ended !== undefined) return ended.exitCode ?? -1;
    if (Date.now() > until) {
      throw kubernetesError(
        'KUBERNETES_DEBUG_FAILED',
        `the connection to ${name} in pod ${pod.metadata.name} broke; it still runs there`,
      );
    }
    await sleep(LOOK_EVERY);
  }
}

/**
 * Tools as an ephemeral container of a running pod, in the process namespace of one of its containers. It ends with its
 * command and stays in the pod's record: Kubernetes cannot remove one. Needs `patch` on pods/ephemeralcontainers and `get`
 * and `create` on pods/attach (deploy/kubernetes/debug.yaml).
 * https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
 * @returns the command's exit code
 * @throws KUBERNETES_WORKLOAD_MISSING, KUBERNETES_REFUSED, KUBERNETES_DEBUG_FAILED
 */
export async function debugOnKubernetes(
  client: KubernetesClient,
  workload: Workload,
  request: DebugRequest,
  streams: DebugStreams,
  signal?: AbortSignal,
): Promise<number> {
  const pod = await podOf(client, workload, request.copy);
  const target = targetIn(pod, request.container);
  const name = `heraklit-debug-${randomBytes(4).toString('hex')}`;
  await add(client, pod, ephemeralContainer(name, target, request, streams.stdin !== undefined), signal);
  await started(client, pod, name, signal);
  streams.begin?.(pod.metadata.name);
  await attachTo(
    client,
    { namespace: workload.namespace, pod: pod.metadata.name, container: name },
    request.tty,
    streams,
    signal,
  );
  signal?.throwIfAborted();
  return await exitCodeOf(client, pod, name);
}
