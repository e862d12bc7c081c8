import type { Clock, Log } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { Decide } from '../plan/index.ts';
import type { Publisher } from '../publish/index.ts';
import type { BlobStore } from '../storage/index.ts';
import type { FleetImage, PipelinePorts } from './ports.ts';
import type { JobQueue } from './queue/queue.ts';

/** A fleet with names that its events and registry use. */
export interface Fleet {
  readonly name: string;
  readonly images: readonly FleetImage[];
}

/** Work done at once in this process. */
export interface Parallel {
  readonly build: number;
  readonly rebase: number;
  readonly verify: number;
  readonly rollout: number;
}

export const DEFAULT_PARALLEL: Parallel = { build: 2, rebase: 4, verify: 2, rollout: 1 };

/** Milliseconds spent in each stage, summed over tasks. */
export type StageTimes = Record<'feed' | 'inventory' | 'plan' | 'build' | 'verify' | 'rollout', number>;

/** Everything the steps of one process share. */
export interface EngineContext {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly queue: JobQueue;
  readonly publisher: Publisher;
  readonly fleet: Fleet;
  /** The fleet's images by name. */
  readonly images: ReadonlyMap<string, FleetImage>;
  readonly ports: PipelinePorts;
  readonly decide: Decide;
  /** Only updates of security repositories are a reason to build. */
  readonly securityOnly: boolean;
  readonly parallel: Parallel;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: StageTimes;
  /** Attempts of a step that fails with a retryable error. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubles each time. */
  readonly retryDelay: number;
}

/** Adds the time `work` takes to its stage. */
export async function timed<T>(context: EngineContext, stage: keyof StageTimes, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    return await work();
  } finally {
    context.times[stage] += performance.now() - began;
  }
}
