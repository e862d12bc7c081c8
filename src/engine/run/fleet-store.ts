import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, type FleetImageTable, unnest } from '../../database/index.ts';
import type { Task } from '../task.ts';

/** What the named images are at, or all of them. An image that was never built or tried has no row. */
export async function loadFleet(
  reader: DatabaseReader,
  names?: readonly string[],
): Promise<ReadonlyMap<string, FleetImageTable>> {
  if (names?.length === 0) return new Map();
  let query = reader.selectFrom('fleet_image').selectAll();
  if (names !== undefined) query = query.where(sql<boolean>`name = any(${sql.val([...new Set(names)])}::text[])`);
  const rows = await query.execute();
  return new Map(rows.map((row) => [row.name, row]));
}

/** The tasks' results become what the fleet is at. */
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
    strategy: 'text',
    released: 'timestamptz',
  } as const;
  await sql`insert into fleet_image (name, repository, tag, digest, base_digest, recipe_digest, strategy, released)
    select * from ${unnest(rows, columns)}
    on conflict (name) do update set repository = excluded.repository, tag = excluded.tag, digest = excluded.digest,
      base_digest = excluded.base_digest, recipe_digest = excluded.recipe_digest, strategy = excluded.strategy,
      released = case when fleet_image.digest = excluded.digest then fleet_image.released else excluded.released end,
      tried_input = null, tried = null`.execute(trx);
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
    repository: task.repository,
    tag: task.tag,
    tried_input: triedInput(task.input, task.base_digest),
    tried,
  }));
  const columns = { name: 'text', repository: 'text', tag: 'text', tried_input: 'text', tried: 'text' } as const;
  await sql`insert into fleet_image (name, repository, tag, tried_input, tried)
    select * from ${unnest(rows, columns)}
    on conflict (name) do update set tried_input = excluded.tried_input, tried = excluded.tried`.execute(trx);
}

/** A rollout was rolled back: the fleet is at the previous image again. */
export async function recordRestored(trx: DatabaseTransaction, task: Task): Promise<void> {
  await trx
    .updateTable('fleet_image')
    .set({ digest: task.previous, base_digest: task.previous_base, recipe_digest: task.previous_recipe })
    .where('name', '=', task.image)
    .execute();
}
