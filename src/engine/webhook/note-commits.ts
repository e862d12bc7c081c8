import { sql } from 'kysely';
import { type Clock, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { LoadedFleet } from '../adapters/load-fleet.ts';
import { pendingCommits, type WantedStatus, wantStatuses } from './commit-status-store.ts';

/** `pg_notify` channel: something is to be told to a forge. */
export const STATUS_CHANNEL = 'heraklit_commit_status';

interface GitImage {
  readonly image: string;
  readonly commit: string;
  readonly location: string;
}

const gitImages = ({ fleet }: LoadedFleet): readonly GitImage[] =>
  fleet.images.flatMap(({ image, source }) =>
    source?.commit === undefined ? [] : [{ image, commit: source.commit, location: source.location }],
  );

/** Commits that sources came to since they were looked at last wait from now on for what becomes of them. */
export async function noteCommits(database: Database, fleet: LoadedFleet, clock: Clock = systemClock): Promise<void> {
  const images = gitImages(fleet);
  if (images.length === 0) return;
  const known = await knownCommits(database, fleet.fleet.name);
  const fresh = images.filter(({ image, commit }) => !known.has(`${image}\n${commit}`));
  if (fresh.length === 0) return;
  const wanted = fresh.map(
    (one): WantedStatus => ({ ...one, state: 'pending', description: `${one.image} is looked at` }),
  );
  await database.transaction(async (trx) => {
    await wantStatuses(trx, fleet.fleet.name, wanted, new Date(clock.now()));
    await sql`select pg_notify(${STATUS_CHANNEL}, '')`.execute(trx);
  });
}

async function knownCommits(database: Database, fleet: string): Promise<ReadonlySet<string>> {
  const rows = await database.kysely
    .selectFrom('commit_status')
    .select(['image', 'commit'])
    .where('fleet', '=', fleet)
    .execute();
  return new Set(rows.map(({ image, commit }) => `${image}\n${commit}`));
}

/**
 * After a round: commits that still wait and that no task was made for get their word. Those with a task get it from the
 * task's own events.
 */
export async function settleCommits(database: Database, fleet: LoadedFleet, clock: Clock = systemClock): Promise<void> {
  const name = fleet.fleet.name;
  const waiting = await pendingCommits(database.kysely, name);
  if (waiting.length === 0) return;
  const current = new Map(gitImages(fleet).map(({ image, commit }) => [image, commit]));
  const problems = await problemsOf(database, fleet);
  const tasks = await tasksOf(
    database,
    waiting.map(({ image }) => image),
  );
  const wanted = waiting.flatMap((one): WantedStatus[] => {
    if (tasks.has(`${one.image}\n${one.commit}`)) return [];
    const now = current.get(one.image);
    if (now !== one.commit) {
      const description =
        now === undefined ? `${one.image} is no longer made from it` : `superseded by ${now.slice(0, 12)}`;
      return [{ ...one, state: 'superseded', description }];
    }
    const problem = problems.get(one.image);
    if (problem !== undefined) return [{ ...one, state: 'failure', description: `${one.image}: ${problem}` }];
    const description = `nothing to do: what ${one.image} is made of did not change`;
    return [{ ...one, state: 'success', description }];
  });
  await database.transaction(async (trx) => {
    await wantStatuses(trx, name, wanted, new Date(clock.now()));
    await sql`select pg_notify(${STATUS_CHANNEL}, '')`.execute(trx);
  });
}

/** Why images cannot be made from what their source is now. */
async function problemsOf(database: Database, { fleet, problems }: LoadedFleet): Promise<ReadonlyMap<string, string>> {
  const broken = new Set(fleet.images.filter((one) => one.recipeDigest === undefined).map((one) => one.image));
  const failed = await database.kysely
    .selectFrom('fleet_image')
    .select('name')
    .where('fleet', '=', fleet.name)
    .where('tried', '=', 'failed')
    .execute();
  return new Map([
    ...failed.map(({ name }) => [name, 'what it is made of did not change, and could not be built before'] as const),
    ...problems.filter(({ image }) => broken.has(image)).map(({ image, message }) => [image, message] as const),
  ]);
}

/** `image\ncommit` of tasks that were made for commits. */
async function tasksOf(database: Database, images: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await database.kysely
    .selectFrom('task')
    .select(['image', 'source'])
    .where(sql<boolean>`image = any(${sql.val([...new Set(images)])}::text[])`)
    .where('source', 'is not', null)
    .execute();
  return new Set(
    rows.map(({ image, source }) => `${image}\n${(JSON.parse(source ?? '{}') as { commit?: string }).commit}`),
  );
}
