import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../../base/index.ts';
import type { KubernetesClient } from '../client.ts';
import { type Collection, collectionsOf } from './collections.ts';
import { type InformerSink, type InformerState, inform } from './informer.ts';
import { WATCH_PACE, type WatchPace } from './pace.ts';
import type { ObservedWorkload, WorkloadChanges } from './types.ts';
import { WorkloadJoin } from './workload-join.ts';

/** How the watch over a cluster is doing. */
export interface ClusterState {
  /** True once everything was listed, as long as nothing fails since. */
  readonly synced: boolean;
  /** What fails or is refused, one sentence each, sorted. */
  readonly problems: readonly string[];
}

export interface WatchClusterOptions {
  readonly client: KubernetesClient;
  /** What ids call the cluster. */
  readonly cluster: string;
  /** The whole cluster when undefined. */
  readonly namespaces: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Told whenever it differs from before. */
  readonly onState?: (state: ClusterState) => void;
  readonly pace?: Partial<WatchPace>;
}

interface Watch {
  readonly collection: Collection;
  keys: Set<string>;
  state: InformerState;
}

/**
 * What runs in a cluster, as it changes: first all of it, when every collection was listed, then what changed. Ends with the
 * signal alone: a cluster that goes away is waited for, and what was known of it stays until it is back.
 */
export async function* watchCluster(options: WatchClusterOptions): AsyncGenerator<WorkloadChanges> {
  const pace = { ...WATCH_PACE, ...options.pace };
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const watching = new Watching(options);
  const running = watching.watches.map((watch) =>
    inform({
      client: options.client,
      path: watch.collection.path,
      metadataOnly: watch.collection.metadataOnly,
      reduce: watch.collection.reduce,
      sink: watching.sinkOf(watch),
      pace,
      signal,
    }),
  );
  try {
    await watching.settled(signal);
    for (let whole = true; !signal.aborted; whole = false) {
      const { changed, gone } = watching.join.take();
      if (whole || changed.length + gone.length > 0) yield { whole, changed, gone };
      await watching.touched(signal);
      await sleep(pace.gather, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    stop.abort();
    await Promise.allSettled(running);
  }
}

class Watching {
  readonly join: WorkloadJoin;
  readonly watches: readonly Watch[];
  readonly #onState: ((state: ClusterState) => void) | undefined;
  #told = '';
  #wake: () => void = () => undefined;

  constructor({ cluster, namespaces, onState }: WatchClusterOptions) {
    this.join = new WorkloadJoin(cluster);
    this.#onState = onState;
    this.watches = (namespaces ?? [undefined])
      .flatMap(collectionsOf)
      .map((collection) => ({ collection, keys: new Set<string>(), state: { kind: 'listing' } }));
  }

  sinkOf(watch: Watch): InformerSink {
    const { collection } = watch;
    return {
      replace: (objects) => {
        for (const key of watch.keys) if (!objects.has(key)) collection.set(this.join, key, undefined);
        for (const [key, record] of objects) collection.set(this.join, key, record);
        watch.keys = new Set(objects.keys());
        this.#wake();
      },
      change: (key, record) => {
        collection.set(this.join, key, record);
        if (record === undefined) watch.keys.delete(key);
        else watch.keys.add(key);
        this.#wake();
      },
      state: (state) => {
        watch.state = state;
        this.#tellState();
        this.#wake();
      },
    };
  }

  /** Until everything was listed that can be, and pods for certain. */
  async settled(signal: AbortSignal): Promise<void> {
    const isSettled = ({ collection, state }: Watch): boolean =>
      state.kind === 'synced' || (!collection.essential && (state.kind === 'absent' || state.kind === 'refused'));
    await this.#until(() => this.watches.every(isSettled), signal);
  }

  async touched(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.join.isTouched, signal);
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!isSo() && !signal.aborted) {
      const woken = Promise.withResolvers<void>();
      const wake = (): void => woken.resolve();
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await woken.promise;
      signal.removeEventListener('abort', wake);
    }
  }

  #tellState(): void {
    const problems = this.watches.flatMap(({ state }) =>
      state.kind === 'failing' || state.kind === 'refused' ? [state.reason] : [],
    );
    const synced = this.watches.every(({ state: { kind } }) => kind === 'synced' || kind === 'absent');
    const state: ClusterState = { synced, problems: [...new Set(problems)].sort() };
    const text = JSON.stringify(state);
    if (text === this.#told) return;
    this.#told = text;
    this.#onState?.(state);
  }
}

/**
 * The same once, by lists alone. @throws KUBERNETES_UNAVAILABLE, KUBERNETES_REFUSED where pods may not be read
 */
export async function observeCluster(
  client: KubernetesClient,
  cluster: string,
  namespaces: readonly string[] | undefined,
): Promise<readonly ObservedWorkload[]> {
  const join = new WorkloadJoin(cluster);
  for (const collection of (namespaces ?? [undefined]).flatMap(collectionsOf)) {
    const take = (object: { metadata: { name: string; namespace?: string } }) =>
      collection.set(
        join,
        `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`,
        collection.reduce(object),
      );
    const { path, metadataOnly, essential } = collection;
    const listed = client.listAt(path, take, { metadataOnly });
    await (essential
      ? listed
      : listed.catch((error: unknown) => {
          // A role that leaves a kind out: the others are told.
          if (!isHeraklitError(error, 'KUBERNETES_REFUSED') || error.details.status !== 403) throw error;
        }));
  }
  return join.take().changed;
}
