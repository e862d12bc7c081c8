import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { Task } from '../task.ts';

interface TaskKey {
  readonly run: string;
  readonly image: string;
}

const COLUMNS = {
  run: 'text',
  image: 'text',
  level: 'integer',
  base: 'text',
  status: 'text',
  step: 'text',
  attempt: 'integer',
  reason: 'text',
  strategy: 'text',
  because: 'text',
  alternatives: 'text',
  own_need: 'boolean',
  input: 'text',
  recipe_digest: 'text',
  source: 'text',
  repository: 'text',
  tag: 'text',
  previous: 'text',
  previous_base: 'text',
  previous_recipe: 'text',
  digest: 'text',
  base_digest: 'text',
  result: 'text',
  error: 'text',
  updated: 'timestamptz',
} as const satisfies Record<keyof Task, string>;

const NAMES = Object.keys(COLUMNS) as (keyof Task)[];
const names = sql.join(NAMES.map((name) => sql.ref(name)));
const changes = sql.join(
  NAMES.filter((name) => name !== 'run' && name !== 'image').map(
    (name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`,
  ),
);

/** Inserts tasks, or replaces the rows of those that are there: one statement. */
export async function saveTasks(trx: DatabaseTransaction, tasks: readonly Task[]): Promise<void> {
  if (tasks.length === 0) return;
  const rows = tasks.map((task) => ({ ...task, updated: task.updated.toISOString() }));
  await sql`insert into task (${names}) select * from ${unnest(rows, COLUMNS)}
    on conflict (run, image) do update set ${changes}`.execute(trx);
}

/** The rows of some tasks; locked until commit when `lock`. */
export async function loadTasks(
  reader: DatabaseReader,
  keys: readonly TaskKey[],
  lock = false,
): Promise<ReadonlyMap<string, Task>> {
  if (keys.length === 0) return new Map();
  const { rows } = await sql<Task>`select * from task
    where (run, image) in (select * from ${unnest(keys, { run: 'text', image: 'text' })})
    order by run, image ${lock ? sql`for update` : sql``}`.execute(reader);
  return new Map(rows.map((task) => [keyOf(task), task]));
}

/** Tasks that wait for the named ones of their run. */
export async function loadWaiting(trx: DatabaseTransaction, keys: readonly TaskKey[]): Promise<readonly Task[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<Task>`select * from task
    where status = 'blocked' and (run, base) in (select * from ${unnest(keys, { run: 'text', image: 'text' })})
    order by run, image for update`.execute(trx);
  return rows;
}

export async function tasksOfRun(reader: DatabaseReader, run: string): Promise<readonly Task[]> {
  const rows = await reader
    .selectFrom('task')
    .selectAll()
    .where('run', '=', run)
    .orderBy('level')
    .orderBy('image')
    .execute();
  return rows as readonly Task[];
}

export function keyOf(task: TaskKey): string {
  return `${task.run}\n${task.image}`;
}
