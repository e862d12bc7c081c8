import { PassThrough } from 'node:stream';
import { messageOf } from '../../base/index.ts';
import type { DebugStreams, TerminalSize } from '../debug-request.ts';
import type { KubernetesClient } from './client.ts';
import { kubernetesError } from './errors.ts';

export interface AttachPlace {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** A far terminal as client-node looks for one: columns, rows, and an event when they change. */
class FarTerminal extends PassThrough {
  columns = 80;
  rows = 24;
  hasSize({ columns, rows }: TerminalSize): void {
    this.columns = columns;
    this.rows = rows;
    this.emit('resize');
  }
}

/** Only the newest protocol can tell that our input has ended; before it, ending it would end the conversation. */
const CAN_END = 'v5.channel.k8s.io';

/**
 * Speaks with a container over the API server until one side ends it. One line is sent first: what runs there waits for it.
 * @throws KUBERNETES_DEBUG_FAILED
 */
export async function attachTo(
  client: KubernetesClient,
  place: AttachPlace,
  tty: boolean,
  streams: DebugStreams,
  signal?: AbortSignal,
): Promise<void> {
  const { Attach } = await import('@kubernetes/client-node');
  const input = new PassThrough();
  const output = tty ? new FarTerminal() : new PassThrough();
  const errors = tty ? null : new PassThrough();
  // Theirs are ended at the end of the conversation; ours outlive it.
  output.pipe(streams.stdout, { end: false });
  errors?.pipe(streams.stderr, { end: false });
  const attach = new Attach(client.sockets());
  const { namespace, pod, container } = place;
  const socket = await attach.attach(namespace, pod, container, output, errors, input, tty).catch((cause: unknown) => {
    const why = messageOf((cause as { error?: unknown })?.error ?? (cause as { message?: unknown })?.message ?? cause);
    throw kubernetesError('KUBERNETES_DEBUG_FAILED', `pod ${pod} cannot be attached to: ${why}`, {
      hint: 'Grant the permissions of deploy/kubernetes/debug.yaml: `kubectl apply --filename deploy/kubernetes/debug.yaml`.',
    });
  });
  const abort = (): void => socket.close();
  signal?.addEventListener('abort', abort, { once: true });
  const feed = (part: Buffer): void => void input.write(part);
  const end = (): void => {
    if (socket.protocol === CAN_END) input.end();
  };
  const closed = new Promise<void>((resolve) => {
    socket.onclose = () => resolve();
    socket.onerror = () => resolve();
  });
  const stop = output instanceof FarTerminal ? streams.sizes?.((size) => output.hasSize(size)) : undefined;
  input.write('\n');
  streams.stdin?.on('data', feed);
  streams.stdin?.once('end', end);
  try {
    if (signal?.aborted !== true) await closed;
  } finally {
    stop?.();
    streams.stdin?.off('data', feed);
    streams.stdin?.off('end', end);
    streams.stdin?.pause();
    signal?.removeEventListener('abort', abort);
    socket.close();
  }
}
