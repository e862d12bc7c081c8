import type { KubernetesClient } from '../client.ts';
import { kubernetesError } from '../errors.ts';
import { pathOf } from '../objects.ts';
import { openChannels, type PodPlace } from './socket.ts';

const [STDOUT, STDERR, STATUS] = [1, 2, 3];

export interface PodExecOptions {
  /** Bytes of output that are kept; a command that says more is not heard further. */
  readonly keep: number;
  readonly signal: AbortSignal;
}

/** `exitCode` -1: it had said more than is kept, and was not waited for. */
export interface PodExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

interface ExecStatus {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** Exit codes of a command that could not be run, as a shell tells them. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

/** Undefined: the node could not run it for reasons of its own. */
function exitCodeOf({ status, message = '', details }: ExecStatus): number | undefined {
  if (status === 'Success') return 0;
  const told = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (told !== undefined) return Number(told);
  if (/not found|no such file/i.test(message)) return NOT_FOUND;
  return /permission denied|exec format error|is a directory/i.test(message) ? NOT_RUNNABLE : undefined;
}

/**
 * Runs a command in a running container and waits for its end. Kubernetes runs it as the container's own user, and cannot
 * end it: one that is not waited for any longer ends with its container.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (exec)
 * @throws KUBERNETES_STREAM_FAILED
 */
export async function execInPod(
  client: KubernetesClient,
  place: PodPlace,
  command: readonly string[],
  { keep, signal }: PodExecOptions,
): Promise<PodExecResult> {
  const parts = { [STDOUT as number]: [] as Buffer[], [STDERR as number]: [] as Buffer[] };
  let size = 0;
  const enough = Promise.withResolvers<void>();
  let ended: ExecStatus | undefined;
  const hear = (channel: number, bytes: Buffer): void => {
    if (channel === STATUS && bytes.length > 0) ended = JSON.parse(bytes.toString()) as ExecStatus;
    if (size >= keep || parts[channel] === undefined) return;
    parts[channel]?.push(bytes);
    size += bytes.length;
    if (size >= keep) enough.resolve();
  };
  const query = new URLSearchParams({ container: place.container, stdout: 'true', stderr: 'true' });
  for (const word of command) query.append('command', word);
  const path = `${pathOf('Pod', place.namespace, place.pod)}/exec?${query}`;
  const socket = await openChannels(client, path, hear, signal);
  const abort = (): void => socket.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([socket.closed, enough.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    socket.close();
  }
  signal.throwIfAborted();
  const text = (channel: number): string =>
    Buffer.concat(parts[channel] ?? [])
      .subarray(0, keep)
      .toString();
  const said = { stdout: text(STDOUT as number), stderr: text(STDERR as number), truncated: size >= keep };
  if (ended === undefined && said.truncated) return { exitCode: -1, ...said };
  const exitCode = ended === undefined ? undefined : exitCodeOf(ended);
  if (exitCode === undefined) {
    throw kubernetesError(
      'KUBERNETES_STREAM_FAILED',
      `a command in pod ${place.pod} was not run: ${ended?.message ?? 'the connection broke'}`,
    );
  }
  return { exitCode, ...said, stderr: said.stderr || (exitCode === 0 ? '' : (ended?.message ?? '')) };
}
