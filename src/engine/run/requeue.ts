import type { EngineContext } from '../context.ts';
import { jobOf } from '../task.ts';
import { claimImages } from './claim-images.ts';
import { tasksOfRun } from './task-store.ts';

/**
 * Queues the next step of every open task of a run that is carried on. Those that are queued already stay as they are:
 * a job's id says what it is for. It is for a run whose fleet was renamed, and so waits in another fleet's queues.
 */
export async function requeueOpenTasks(context: EngineContext, run: string): Promise<void> {
  const tasks = await tasksOfRun(context.database.kysely, run);
  const jobs = tasks.flatMap((task) => (task.step === null ? [] : [jobOf(task, task.step)]));
  await context.database.transaction(async (trx) => {
    await claimImages(trx, context.fleet);
    await context.queue.enqueue(trx, jobs);
  });
}
