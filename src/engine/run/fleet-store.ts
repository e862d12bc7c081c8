import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, type FleetImageTable, unnest } from '../../database/index.ts';
import type { Task } from '../task.ts';

/** What the named images of a fleet are at, or all of them. */
export async function loadFleet(
  reader: DatabaseReader,
  fleet: string,
  names?: readonly string[],
): Promise<ReadonlyMap<string, FleetImageTable>> {
  if (names?.length === 0) return new Map();
  let query = reader.selectFrom('fleet_image').selectAll().where('fleet', '=', fleet);
  if (names !== undefined) query = query.where(sql<boolean>`name = any(${sql.val([...new Set(names)])}::text[])`);
  const rows = await query.execute();
  return new Map(rows.map((row) => [row.name, row]));
}

/** The tasks' results become what the fleet is at. Their rows are there since the run began (`claimImages`). */
export async function recordReleased(trx: DatabaseTransaction, tasks: readonly Task[]): Promise<void> {
  if (tasks.length === 0) return;
  const rows = tasks.map((task) => ({ ...task, name: task.image, released: task.updated.toISOString() }));
  const columns = {
    name: 'text',
    repository: 'text',
    tag: 'text',
    digest: 'text',
    base_digest: 'text',
    recipe_digest: 'text',
    source: 'text',
    strategy: 'text',
    released: 'timestamptz',
  } as const;
  await sql`update fleet_image set repository = fresh.repository, tag = fresh.tag, digest = fresh.digest,
      base_digest = fresh.base_digest, recipe_digest = fresh.recipe_digest, source = fresh.source, strategy = fresh.strategy,
      released = case when fleet_image.digest = fresh.digest then fleet_image.released else fresh.released end,
      tried_input = null, tried = null
    from ${unnest(rows, columns)} as fresh (${sql.raw(Object.keys(columns).join(', '))})
    where fleet_image.name = fresh.name`.execute(trx);
}

/** What `tried_input` holds: everything the result is a function of. */
export function triedInput(input: string, baseDigest: string | null | undefined): string {
  return `${input}@${baseDigest ?? ''}`;
}

/** Remembers what input left the image as it is, so that it is not tried again and again. */
export async function recordTried(
  trx: DatabaseTransaction,
  tasks: readonly Task[],
  tried: 'failed' | 'unchanged',
): Promise<void> {
  if (tasks.length === 0) return;
  const rows = tasks.map((task) => ({
    name: task.image,
    tried_input: triedInput(task.input, task.base_digest),
    tried,
  }));
  const columns = { name: 'text', tried_input: 'text', tried: 'text' } as const;
  await sql`update fleet_image set tried_input = fresh.tried_input, tried = fresh.tried
    from ${unnest(rows, columns)} as fresh (${sql.raw(Object.keys(columns).join(', '))})
    where fleet_image.name = fresh.name`.execute(trx);
}

/** A rollout was rolled back: the fleet is at the previous image again. */
export async function recordRestored(trx: DatabaseTransaction, task: Task): Promise<void> {
  await trx
    .updateTable('fleet_image')
    .set({ digest: task.previous, base_digest: task.previous_base, recipe_digest: task.previous_recipe, source: null })
    .where('name', '=', task.image)
    .execute();
}
