import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError, messageOf } from '../../../base/index.ts';
import type { KubernetesClient, StatusObject, WatchEvent } from '../client.ts';
import { kubernetesError } from '../errors.ts';
import type { ObjectMeta } from '../objects.ts';
import { backOff, type WatchPace } from './pace.ts';

/** How one collection is doing. */
export type InformerState =
  | { readonly kind: 'listing' }
  | { readonly kind: 'synced' }
  /** The server does not serve the resource, or we may not read it: nothing of it is known. */
  | { readonly kind: 'absent' | 'refused'; readonly reason: string }
  | { readonly kind: 'failing'; readonly reason: string };

/** Who is told what a collection holds, in the form that `reduce` gives it. */
export interface InformerSink {
  /** All there is, after each list. */
  replace(records: ReadonlyMap<string, unknown>): void;
  /** Undefined: it is gone. */
  change(key: string, record: unknown): void;
  state(state: InformerState): void;
}

export interface InformerOptions {
  readonly client: KubernetesClient;
  readonly path: string;
  readonly metadataOnly: boolean;
  /** What is kept of an object. */
  readonly reduce: (object: unknown) => unknown;
  readonly sink: InformerSink;
  readonly pace: WatchPace;
  readonly signal: AbortSignal;
}

/** Watches in a row that gave nothing, after which a list is asked for. */
const FRUITLESS = 3;

interface Watched {
  readonly metadata: ObjectMeta;
}

const keyOf = ({ metadata: { namespace = 'default', name } }: Watched): string => `${namespace}/${name}`;

/** What of it is gone is too old to be continued (410), or refused: only a list helps. */
const RELIST = new Set([400, 403, 404, 410]);

/**
 * Lists a collection and watches it from there, for as long as the signal lets it: a watch that ends or breaks goes on from
 * its last event or bookmark; one that has expired begins with a list again. Every failure makes the next wait longer.
 */
export async function inform(options: InformerOptions): Promise<void> {
  const { sink, pace, signal } = options;
  const informer = new Informer(options);
  while (!signal.aborted) {
    try {
      const wait = await informer.turn();
      if (wait > 0) await sleep(wait, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      // A fault of ours must not end the watch over a cluster either.
      sink.state({ kind: 'failing', reason: messageOf(error) });
      await sleep(backOff(pace, informer.failed()), undefined, { signal }).catch(() => undefined);
    }
  }
}

class Informer {
  readonly #options: InformerOptions;
  /** Where the watch goes on; undefined: list first. */
  #version: string | undefined;
  /** In a row. */
  #failures = 0;

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  failed(): number {
    this.#failures += 1;
    // A version that the server will never have (its database was put back) is not waited for.
    if (this.#failures >= FRUITLESS) this.#version = undefined;
    return this.#failures;
  }

  /** A list, or one watch to its end. @returns milliseconds to wait before the next */
  async turn(): Promise<number> {
    if (this.#version === undefined) return await this.#list();
    const began = Date.now();
    let heard = false;
    try {
      for await (const event of this.#watch(this.#version)) {
        heard = true;
        const problem = this.#take(event);
        if (problem !== undefined) return this.#wait(problem);
      }
    } catch (error) {
      this.#options.signal.throwIfAborted();
      if (!isHeraklitError(error, 'KUBERNETES_UNAVAILABLE')) throw error;
      this.#options.sink.state({ kind: 'failing', reason: messageOf(error) });
      return backOff(this.#options.pace, this.failed());
    }
    // The server ends watches after some minutes. One that says nothing and ends at once is not asked again at once.
    if (heard || Date.now() - began > this.#options.pace.quick) this.#failures = 0;
    else this.failed();
    return this.#failures === 0 ? 0 : backOff(this.#options.pace, this.#failures);
  }

  async #list(): Promise<number> {
    const { client, path, metadataOnly, reduce, sink, pace, signal } = this.#options;
    if (this.#failures === 0) sink.state({ kind: 'listing' });
    try {
      const take = (item: Watched) => [keyOf(item), reduce(item)] as const;
      const { items, version } = await client.listAt(path, take, { metadataOnly, signal });
      sink.replace(new Map(items));
      if (version === '') {
        sink.state({ kind: 'absent', reason: `the API server does not serve ${path}` });
        return pace.absent;
      }
      this.#version = version;
      this.#failures = 0;
      sink.state({ kind: 'synced' });
      return 0;
    } catch (error) {
      signal.throwIfAborted();
      const status = isHeraklitError(error, 'KUBERNETES_REFUSED') ? error.details.status : undefined;
      sink.state({ kind: status === 403 ? 'refused' : 'failing', reason: messageOf(error) });
      const wait = backOff(pace, this.failed());
      return status === 403 ? Math.max(wait, pace.refused) : wait;
    }
  }

  #watch(version: string): AsyncGenerator<WatchEvent> {
    const { client, path, metadataOnly, pace, sink, signal } = this.#options;
    // Watches of many collections that ended together should not end together for ever.
    const timeoutSeconds = String(Math.ceil(pace.watch * (1 + Math.random())));
    const opened = (): void => {
      if (this.#failures > 0) sink.state({ kind: 'synced' });
    };
    return client.watch(path, { resourceVersion: version, timeoutSeconds }, signal, { metadataOnly, opened });
  }

  #take({ type, object }: WatchEvent): ErrorStatus | undefined {
    if (type === 'ERROR') return object as ErrorStatus;
    const { sink, reduce } = this.#options;
    const watched = object as Watched;
    this.#version = watched.metadata.resourceVersion ?? this.#version;
    this.#failures = 0;
    if (type !== 'BOOKMARK') sink.change(keyOf(watched), type === 'DELETED' ? undefined : reduce(watched));
    return undefined;
  }

  #wait({ code = 500, message = '', retryAfter }: ErrorStatus): number {
    const { sink, pace } = this.#options;
    if (RELIST.has(code)) this.#version = undefined;
    const failures = this.failed();
    // Expiry is no failure: the first list after it comes soon, but not from every watch in the same moment.
    if (code === 410 && failures === 1) return backOff(pace, 0);
    sink.state({
      kind: 'failing',
      reason: kubernetesError(
        'KUBERNETES_REFUSED',
        `the API server ended the watch on ${this.#options.path}: ${code} ${message}`,
      ).message,
    });
    return Math.max(retryAfter ?? 0, backOff(pace, failures));
  }
}

interface ErrorStatus extends StatusObject {
  readonly code?: number;
  /** Milliseconds. */
  readonly retryAfter?: number;
}
