import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/index.ts';
import { OUTBOX_CHANNEL } from '../events/index.ts';
import type { EngineContext } from './context.ts';
import { limiter } from './limiter.ts';
import type { Outcome } from './outcome.ts';
import { KEEP_ALIVE_MS, QUEUES, type QueuedJob, type QueueName } from './queue/queue.ts';
import { commitOutcomes } from './run/commit.ts';
import { Committer } from './run/committer.ts';
import { loadFleet } from './run/fleet-store.ts';
import { keyOf, loadTasks } from './run/task-store.ts';
import { buildStep, releasedBase } from './steps/build.ts';
import { failureOf } from './steps/failure.ts';
import { rolloutStep } from './steps/rollout.ts';
import { verifyStep } from './steps/verify.ts';
import type { Task } from './task.ts';

/** Milliseconds between looks for jobs when nothing woke us (delayed retries, other processes). */
const POLL_MS = 500;
/** Jobs taken at once for each place at work: rebases are quick, so one look brings many. */
const TAKE: Readonly<Record<QueueName, number>> = { build: 1, rebase: 32, verify: 32, rollout: 1 };

/** Takes jobs and carries out their steps until stopped. Any number of processes may do so on PostgreSQL. */
export class Worker {
  readonly #context: EngineContext;
  readonly #committer: Committer;
  readonly #stopping = new AbortController();
  readonly #held = new Map<string, QueuedJob>();
  readonly #failed = Promise.withResolvers<never>();
  #wakes = new Set<() => void>();
  #loops: Promise<void>[] = [];
  #unlisten: (() => Promise<void>) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
    this.#committer = new Committer((outcomes) =>
      commitOutcomes({ ...context, rollout: context.ports.rollout !== undefined }, outcomes),
    );
    // Without a reader yet, a failure must not end the process.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when the worker cannot go on (the database is gone, the disk is full). */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  async start(): Promise<void> {
    this.#unlisten = await this.#context.database.listen(OUTBOX_CHANNEL, () => this.wake());
    this.#keepAlive = setInterval(() => {
      this.#context.queue
        .keepAlive([...this.#held.values()])
        .catch((error) => this.#context.log.warn(`jobs could not be kept alive: ${messageOf(error)}`));
    }, KEEP_ALIVE_MS);
    this.#loops = QUEUES.map((queue) => this.#loop(queue).catch((error) => this.#failed.reject(error)));
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Aborts the steps under way; their jobs are given back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    clearInterval(this.#keepAlive);
    await this.#unlisten?.();
    await Promise.all(this.#loops);
    // What cannot be given back is taken up when its heartbeat runs out, or at the next start.
    await this.#context.queue.giveBack([...this.#held.values()]).catch(() => undefined);
  }

  async #loop(queue: QueueName): Promise<void> {
    const places = this.#context.parallel[queue];
    const capacity = places * TAKE[queue];
    const limit = limiter(places);
    const working = new Set<Promise<void>>();
    let held = 0;
    while (!this.#stopping.signal.aborted) {
      const free = capacity - held;
      const woken = this.#nextWake();
      const jobs = free * 2 > capacity || held === 0 ? await this.#context.queue.take(queue, free) : [];
      if (jobs.length > 0) {
        held += jobs.length;
        const work = this.#process(jobs, limit, () => {
          held -= 1;
        })
          .catch((error) => this.#failed.reject(error))
          .finally(() => {
            working.delete(work);
            this.wake();
          });
        working.add(work);
      } else await woken;
    }
    await Promise.all(working);
  }

  async #process(jobs: readonly QueuedJob[], limit: ReturnType<typeof limiter>, done: () => void): Promise<void> {
    for (const job of jobs) this.#held.set(job.id, job);
    const { kysely } = this.#context.database;
    const tasks = await loadTasks(
      kysely,
      jobs.map((job) => job.data),
    );
    const paired = jobs.map((job) => ({ job, task: tasks.get(keyOf(job.data)) }));
    const current = paired.filter((one): one is { job: QueuedJob; task: Task } => one.task?.step === one.job.data.step);
    const building = current.filter(({ job }) => job.data.step === 'build');
    const names = building.flatMap(({ task }) => [task.image, this.#context.images.get(task.image)?.base ?? []].flat());
    const fleet = await loadFleet(kysely, this.#context.fleet.name, names);
    await Promise.all(
      building.map(({ job, task }) => {
        const baseDigest = releasedBase(this.#context, task, fleet);
        return this.#committer.add({ kind: 'began', job, task, baseDigest });
      }),
    );
    await Promise.all(
      paired.map(async ({ job, task }) => {
        const outcome = await limit(() => this.#step(job, task, fleet));
        if (outcome !== undefined) {
          await this.#committer.add(outcome);
          this.#held.delete(job.id);
        }
        done();
      }),
    );
  }

  /** Undefined when the step was aborted. */
  async #step(
    job: QueuedJob,
    task: Task | undefined,
    fleet: Awaited<ReturnType<typeof loadFleet>>,
  ): Promise<Outcome | undefined> {
    const { signal } = this.#stopping;
    if (signal.aborted) return undefined;
    const { step } = job.data;
    if (task === undefined || task.step !== step) {
      return { kind: 'stale', job, task: task ?? ({ ...job.data } as unknown as Task) };
    }
    try {
      if (step === 'build') return await buildStep(this.#context, job, task, fleet, signal);
      if (step === 'verify') return await verifyStep(this.#context, job, task, signal);
      return await rolloutStep(this.#context, job, task, signal);
    } catch (error) {
      return signal.aborted ? undefined : failureOf(this.#context, job, task, error);
    }
  }

  /** Resolves at the next `wake` from now on, or after the poll interval. */
  #nextWake(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    this.#wakes.add(resolve);
    return Promise.race([promise, sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined)]).then(
      () => {
        stop.abort();
        this.#wakes.delete(resolve);
      },
    );
  }
}
