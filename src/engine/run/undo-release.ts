import type { Clock } from '../../base/index.ts';
import type { Database, DatabaseTransaction } from '../../database/index.ts';
import { emit } from '../../events/index.ts';
import type { Digest } from '../../oci/index.ts';
import { restoreTag } from '../../publish/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import { taskEvent } from '../events.ts';
import type { Task } from '../task.ts';
import { recordRestored, recordTried } from './fleet-store.ts';
import { saveTasks } from './task-store.ts';

/** A release whose rollout outlived the run that made it. */
export interface UndoneRelease {
  readonly name: string;
  readonly fleet: string | undefined;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest;
  readonly previous: Digest | undefined;
}

/**
 * What the engine does when a rollout proves an image bad within its own run, for one that does so later: the fleet is at the
 * previous image again, its tag names that, and the same input is not built anew. A release that is not the fleet's any more
 * is left alone.
 * @returns what writes it in the transaction that ends the rollout
 */
export async function undoRelease(
  { database, catalogue, clock }: { database: Database; catalogue: RegistryCatalogue; clock: Clock },
  { name, fleet, repository, tag, digest, previous }: UndoneRelease,
): Promise<(trx: DatabaseTransaction) => Promise<void>> {
  const { kysely } = database;
  const [descriptor, named, row] = await Promise.all([
    previous === undefined ? undefined : catalogue.resolve(repository, previous),
    tag === undefined ? undefined : catalogue.resolve(repository, tag),
    kysely
      .selectFrom('task')
      .innerJoin('run', 'run.id', 'task.run')
      .selectAll('task')
      .where('task.image', '=', name)
      .where('task.digest', '=', digest)
      .where('run.fleet', '=', fleet ?? '')
      .orderBy('task.updated', 'desc')
      .limit(1)
      .executeTakeFirst(),
  ]);
  return async (trx) => {
    const current = await trx.selectFrom('fleet_image').select('digest').where('name', '=', name).executeTakeFirst();
    if (row === undefined || current?.digest !== digest) return;
    const error = 'rolled back after its release: its rollout tells where and why';
    const task: Task = { ...(row as Task), status: 'failed', error, updated: new Date(clock.now()) };
    await recordRestored(trx, task);
    await recordTried(trx, [task], 'failed');
    await saveTasks(trx, [task]);
    if (descriptor !== undefined && tag !== undefined && named?.digest === digest) {
      const publisher = { catalogue, project: fleet ?? '', host: '' };
      await restoreTag(trx, publisher, { image: name, repository, tag }, descriptor);
    }
    await emit(trx, taskEvent(task), clock);
  };
}
