import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from '../client.ts';
import { kubernetesError } from '../errors.ts';
import { pathOf } from '../objects.ts';
import { type ChannelSocket, openChannels } from './socket.ts';

const [DATA, ERROR] = [0, 1];
/** Both streams begin with the number of the port. */
const PREFIX = 2;
/** What a node says of a port where nothing listens, or whose program hung up. */
const OTHER_SIDE = /refused|reset by peer|broken pipe|timed? ?out|\bEOF\b|use of closed/i;
/** Milliseconds without a word after which a port is taken for open: nodes tell only what failed. */
const QUIET = 750;

const systemError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

class ForwardedPort extends Duplex {
  readonly #where: string;
  #socket: ChannelSocket | undefined;
  readonly #skip = { [DATA as number]: PREFIX, [ERROR as number]: PREFIX };
  readonly #first = Promise.withResolvers<void>();
  /** Resolves when the other side has said something. */
  readonly heard = this.#first.promise;

  constructor(where: string) {
    super({ allowHalfOpen: true });
    this.#where = where;
  }

  hear(channel: number, bytes: Buffer): void {
    const skip = Math.min(this.#skip[channel] ?? 0, bytes.length);
    this.#skip[channel] = (this.#skip[channel] ?? 0) - skip;
    const rest = bytes.subarray(skip);
    if (rest.length === 0 || this.destroyed) return;
    if (channel === DATA) {
      this.#first.resolve();
      this.push(rest);
    }
    if (channel === ERROR) this.destroy(this.#problem(rest.toString()));
  }

  #problem(said: string): Error {
    if (/refused/i.test(said)) return systemError('ECONNREFUSED', `connect ECONNREFUSED ${this.#where}`);
    if (OTHER_SIDE.test(said)) return systemError('ECONNRESET', `ECONNRESET ${this.#where}: ${said}`);
    return kubernetesError('KUBERNETES_STREAM_FAILED', `${this.#where} cannot be forwarded: ${said}`);
  }

  use(socket: ChannelSocket): void {
    this.#socket = socket;
    socket.closed.then(() => {
      if (!this.destroyed) this.push(null);
    });
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#socket?.send(DATA as number, bytes);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.close();
    done(error);
  }
}

/**
 * A connection to a port of a pod, by the API server and the pod's node. It is made on the loopback interface of the pod,
 * and its end cannot be told to the pod without ending all of it.
 * @param sure waits until the port is known to be open: nodes say when it is not, and nothing when it is
 * @throws KUBERNETES_STREAM_FAILED; a system error (ECONNREFUSED) where nothing listens, at once or when it is read
 */
export async function forwardPort(
  client: KubernetesClient,
  place: { readonly namespace: string; readonly pod: string },
  port: number,
  sure: boolean,
  signal: AbortSignal,
): Promise<Duplex> {
  const forwarded = new ForwardedPort(`port ${port} of pod ${place.pod}`);
  const broken = new Promise<Error>((resolve) => forwarded.once('error', resolve));
  const ended = new Promise<void>((resolve) => forwarded.once('close', resolve));
  const path = `${pathOf('Pod', place.namespace, place.pod)}/portforward?ports=${port}`;
  forwarded.use(await openChannels(client, path, (channel, bytes) => forwarded.hear(channel, bytes), signal));
  // Nobody would hear of it any more.
  if (forwarded.errored != null) throw forwarded.errored;
  if (!sure) return forwarded;
  const quiet = sleep(QUIET, undefined, { signal, ref: false }).catch(() => undefined);
  const problem = await Promise.race([
    broken,
    forwarded.heard.then(() => undefined),
    quiet,
    ended.then(() => undefined),
  ]);
  if (problem !== undefined) throw problem;
  signal.throwIfAborted();
  return forwarded;
}
