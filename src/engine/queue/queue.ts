import type { DatabaseTransaction } from '../../database/index.ts';

export const QUEUES = ['build', 'rebase', 'verify', 'rollout'] as const;
export type QueueName = (typeof QUEUES)[number];

export interface JobData {
  readonly run: string;
  readonly image: string;
  readonly step: 'build' | 'verify' | 'rollout';
}

export interface QueuedJob {
  readonly queue: QueueName;
  /** UUID; a second job with the same id is not queued. */
  readonly id: string;
  readonly data: JobData;
  /** Seconds until it may be taken. */
  readonly delay?: number;
}

/** Jobs on the home's database: what one transaction queues or completes exists exactly when its state does. */
export interface JobQueue {
  enqueue(trx: DatabaseTransaction, jobs: readonly QueuedJob[]): Promise<void>;
  complete(trx: DatabaseTransaction, jobs: readonly QueuedJob[]): Promise<void>;
  /** Takes up to `count` jobs; nobody else gets them while they are kept alive. */
  take(queue: QueueName, count: number): Promise<readonly QueuedJob[]>;
  /** Says that taken jobs are still being worked on. */
  keepAlive(jobs: readonly QueuedJob[]): Promise<void>;
  /** Gives taken jobs back undone. */
  giveBack(jobs: readonly QueuedJob[]): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds between `keepAlive` calls. */
export const KEEP_ALIVE_MS = 10_000;
