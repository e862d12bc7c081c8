import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { changeWorkloads, recordWorkloads } from '../inventory/store/index.ts';
import type { ClusterInventory, ClusterState, WorkloadChanges } from '../runtime/index.ts';
import { forgetOtherClusters, noteClusterState } from './cluster-store.ts';

/** A cluster whose workloads are recorded as they change. */
export interface WatchedCluster {
  /** `kubernetes:NAME`; no two have the same. */
  readonly name: string;
  /** Only these namespaces of it are looked at. */
  readonly namespaces?: readonly string[] | undefined;
  open(): Promise<ClusterInventory>;
}

export interface WatchWorkloadsOptions {
  readonly database: Database;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now?: () => Date;
  /** Milliseconds before a watch begins anew that could not be opened, or recorded. */
  readonly retry?: number;
}

const RETRY = 15_000;

/**
 * Keeps the workloads of clusters as the clusters have them, until the signal says to end. What is known of a cluster that
 * goes away stays, with since when it is away. One cluster holds up no other.
 */
export async function watchWorkloads(
  clusters: readonly WatchedCluster[],
  options: WatchWorkloadsOptions,
): Promise<void> {
  const { database, signal, log, retry = RETRY } = options;
  const now = options.now ?? (() => new Date());
  await database.transaction(
    async (trx) =>
      await forgetOtherClusters(
        trx,
        clusters.map(({ name }) => name),
      ),
  );
  const keep = async (cluster: WatchedCluster): Promise<void> => {
    while (!signal.aborted) {
      try {
        await new Recorder(cluster, options, now).run();
      } catch (error) {
        if (signal.aborted) return;
        log.warn(`${cluster.name} is not watched now: ${messageOf(error)}`);
        const state: ClusterState = { synced: false, problems: [messageOf(error)] };
        await database.transaction((trx) => noteClusterState(trx, cluster.name, state, now())).catch(() => undefined);
      }
      await sleep(retry, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(clusters.map(keep));
}

/** One watch over one cluster, and what it wrote. */
class Recorder {
  readonly #cluster: WatchedCluster;
  readonly #options: WatchWorkloadsOptions;
  readonly #now: () => Date;
  readonly #known = new Set<string>();
  #state: ClusterState = { synced: false, problems: [] };
  #noting: Promise<unknown> = Promise.resolve();
  #failed: unknown;

  constructor(cluster: WatchedCluster, options: WatchWorkloadsOptions, now: () => Date) {
    this.#cluster = cluster;
    this.#options = options;
    this.#now = now;
  }

  async run(): Promise<void> {
    const inventory = await this.#cluster.open();
    try {
      for await (const changes of inventory.watch(this.#options.signal, (state) => this.#take(state))) {
        if (this.#failed !== undefined) throw this.#failed;
        await this.#record(inventory.prefix, changes);
        if (changes.whole) this.#options.log.info(`${this.#cluster.name}: ${this.#known.size} workloads`);
        this.#note();
      }
    } finally {
      inventory.close();
      await this.#noting;
    }
  }

  async #record(prefix: string, changes: WorkloadChanges): Promise<void> {
    const { whole, changed, gone } = changes;
    const { database } = this.#options;
    const { namespaces } = this.#cluster;
    await database.transaction(async (trx) => {
      if (whole) await recordWorkloads(trx, { runtime: RUNTIME, prefix, namespaces }, changed, this.#now());
      else await changeWorkloads(trx, RUNTIME, changes, this.#now());
    });
    for (const { id } of changed) this.#known.add(id);
    for (const id of gone) this.#known.delete(id);
  }

  #take(state: ClusterState): void {
    const { log } = this.#options;
    for (const problem of state.problems) {
      if (!this.#state.problems.includes(problem)) log.warn(`${this.#cluster.name}: ${problem}`);
    }
    this.#state = state;
    this.#note();
  }

  #note(): void {
    const { database } = this.#options;
    this.#noting = this.#noting
      .then(() =>
        database.transaction((trx) =>
          noteClusterState(trx, this.#cluster.name, this.#state, this.#now(), this.#known.size),
        ),
      )
      .catch((error: unknown) => {
        this.#failed = error;
      });
  }
}

/** As the rollout's runtime is called: both record the same workloads. */
const RUNTIME = 'kubernetes';
