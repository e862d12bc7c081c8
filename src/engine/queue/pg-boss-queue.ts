import { fromKysely, PgBoss } from 'pg-boss';
import { type Log, messageOf } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type JobData, type JobQueue, QUEUES, type QueuedJob, type QueueName } from './queue.ts';

const SCHEMA = 'heraklit_queue';

/** Seconds without a sign of life after which another worker may take a job (pg-boss allows no less than 10). */
const HEARTBEAT_SECONDS = 30;
/** The engine counts attempts itself; this one only counts crashes. */
const CRASHES_ALLOWED = 10_000;
const LONGEST_JOB_SECONDS = 6 * 3600;
const KEEP_DONE_SECONDS = 24 * 3600;

/**
 * pg-boss on the same database. Embedded: jobs that are active at the start belong to a dead process, because only one
 * can have the database open, and are given back at once. PostgreSQL: their heartbeat runs out.
 */
export async function openQueue(database: Database, fleet: string, log: Log): Promise<JobQueue> {
  /** Each fleet has queues of its own: who works for one must not take jobs of another's images. */
  const own = (queue: QueueName): string => `${queue}/${fleet}`;
  const embedded = database.kind === 'embedded';
  const boss = new PgBoss({
    db: {
      executeSql: async (text, values) => ({ rows: [...(await database.raw.query(text, values ?? [])).rows] }),
    },
    backend: embedded ? 'pglite' : 'postgres',
    schema: SCHEMA,
    schedule: false,
    supervise: true,
    monitorIntervalSeconds: 15,
    superviseIntervalSeconds: 15,
  });
  boss.on('error', (error) => log.warn(`job queue: ${messageOf(error)}`));
  const byQueue = (jobs: readonly QueuedJob[]): readonly (readonly [string, string[]])[] =>
    [...Map.groupBy(jobs, (job) => job.queue)].map(([name, group]) => [own(name), group.map((job) => job.id)] as const);

  const queue: JobQueue = {
    async enqueue(trx, jobs) {
      const db = fromKysely(trx);
      for (const [name, group] of Map.groupBy(jobs, (job) => job.queue)) {
        const rows = group.map(({ id, data, delay }) => ({
          id,
          data,
          ...(delay === undefined ? {} : { startAfter: delay }),
        }));
        await boss.insert(own(name), rows, { db });
      }
    },
    async complete(trx, jobs) {
      const db = fromKysely(trx);
      for (const [name, ids] of byQueue(jobs)) await boss.complete(name, ids, null, { db });
    },
    async take(name, count) {
      const jobs = await boss.fetch<JobData>(own(name), { batchSize: count });
      return jobs.map((job) => ({ queue: name, id: job.id, data: job.data }));
    },
    async keepAlive(jobs) {
      for (const [name, ids] of byQueue(jobs)) await boss.touch(name, ids);
    },
    async giveBack(jobs) {
      for (const [name, ids] of byQueue(jobs)) await boss.fail(name, ids, { reason: 'given back' });
    },
    async stop() {
      await boss.stop({ graceful: false, close: false });
    },
  };
  try {
    await boss.start();
    for (const name of QUEUES) await prepare(boss, own(name));
    if (embedded) await giveBackAll(database, (name, ids) => boss.fail(name, ids, { reason: 'given back' }), log);
    return queue;
  } catch (error) {
    // What of it has started looks after itself by timers, which would keep the process for ever.
    await queue.stop().catch(() => undefined);
    throw error;
  }
}

async function prepare(boss: PgBoss, name: string): Promise<void> {
  await boss.createQueue(name, {
    retryLimit: CRASHES_ALLOWED,
    retryDelay: 0,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    expireInSeconds: LONGEST_JOB_SECONDS,
    deleteAfterSeconds: KEEP_DONE_SECONDS,
  });
  // Fills pg-boss's queue cache, which a call inside a transaction would otherwise read past that transaction.
  await boss.fetch(name, { batchSize: 1, minPriority: 1_000_000 } as never);
}

async function giveBackAll(
  database: Database,
  giveBack: (name: string, ids: string[]) => Promise<unknown>,
  log: Log,
): Promise<void> {
  const { rows } = await database.raw.query(`select id, name from ${SCHEMA}.job where state = 'active'`);
  const jobs = rows as { id: string; name: string }[];
  if (jobs.length === 0) return;
  for (const [name, group] of Map.groupBy(jobs, (job) => job.name)) {
    await giveBack(
      name,
      group.map((job) => job.id),
    );
  }
  log.info(`${jobs.length} jobs of a process that ended are taken up again`);
}
