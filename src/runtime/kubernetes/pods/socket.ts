import { messageOf } from '../../../base/index.ts';
import type { KubernetesClient } from '../client.ts';
import { kubernetesError } from '../errors.ts';

/** A container of a pod, by names. */
export interface PodPlace {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** A WebSocket whose messages begin with the number of a stream (`channel.k8s.io`). */
export interface ChannelSocket {
  send(channel: number, bytes: Uint8Array): void;
  close(): void;
  /** Resolves when either side has closed it. */
  readonly closed: Promise<void>;
}

/** Milliseconds until the API server and the node have taken a connection. */
const HANDSHAKE = 20_000;

/** `Unexpected server response: 403` → 403. */
const statusOf = (text: string): number | undefined => {
  const match = /server response: (\d{3})/.exec(text);
  return match === null ? undefined : Number(match[1]);
};

/**
 * Opens a stream into a pod by the API server, which asks the node. The handshake is client-node's: certificates, tokens
 * and exec plug-ins of the kubeconfig are its own.
 * @throws KUBERNETES_STREAM_FAILED (`details.status`: what the API server answered instead)
 */
export async function openChannels(
  client: KubernetesClient,
  path: string,
  hear: (channel: number, bytes: Buffer) => void,
  signal: AbortSignal,
): Promise<ChannelSocket> {
  const { Exec } = await import('@kubernetes/client-node');
  signal.throwIfAborted();
  let given = false;
  const opening = new Exec(client.sockets()).handler.connect(path, null, (channel, bytes) => {
    hear(channel, bytes);
    return true;
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${HANDSHAKE} ms`)), HANDSHAKE);
  const abort = (): void => late.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const socket = await Promise.race([opening, late.promise]);
    given = true;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    socket.onclose = () => resolve();
    socket.onerror = () => resolve();
    return {
      send: (channel, bytes) => {
        if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([channel]), bytes]));
      },
      close: () => socket.close(),
      closed,
    };
  } catch (cause) {
    signal.throwIfAborted();
    const { error, message } = cause as { readonly error?: unknown; readonly message?: unknown };
    const why = messageOf(error ?? message ?? cause);
    const status = statusOf(why);
    throw kubernetesError('KUBERNETES_STREAM_FAILED', `${path.split('?')[0]} cannot be opened: ${why}`, {
      cause,
      details: { status },
      ...(status === 401 || status === 403
        ? { hint: 'Grant the permissions of deploy/kubernetes/verify-rbac.yaml.' }
        : {}),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    // One that comes after all is not wanted any more.
    if (!given) opening.then((socket) => socket.close()).catch(() => {});
  }
}
