import { sql } from 'kysely';
import type { Database, DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import type { CommitState } from '../../forge/index.ts';

export interface WantedStatus {
  readonly image: string;
  readonly commit: string;
  /** URL of the git repository. */
  readonly location: string;
  readonly state: CommitState;
  readonly description: string;
}

/** Says what is to stand at commits; the reporter brings it there. The same again changes nothing. */
export async function wantStatuses(
  trx: DatabaseTransaction,
  fleet: string,
  wanted: readonly WantedStatus[],
  now: Date,
): Promise<void> {
  for (const one of wanted) {
    const fresh = { state: one.state, description: one.description, attempts: 0, next: now, error: null, updated: now };
    await trx
      .insertInto('commit_status')
      .values({ fleet, image: one.image, commit: one.commit, location: one.location, told: null, ...fresh })
      .onConflict((conflict) =>
        conflict
          .columns(['fleet', 'image', 'commit'])
          .doUpdateSet(fresh)
          .where(
            sql<boolean>`(commit_status.state, commit_status.description) is distinct from (excluded.state, excluded.description)`,
          ),
      )
      .execute();
  }
}

export interface DueStatus extends WantedStatus {
  readonly attempts: number;
}

/** Statuses that are to be told now, oldest first. */
export async function dueStatuses(database: Database, fleet: string, now: Date): Promise<readonly DueStatus[]> {
  const rows = await database.kysely
    .selectFrom('commit_status')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('next', '<=', now)
    .orderBy('next')
    .limit(100)
    .execute();
  return rows.map(({ image, commit, location, state, description, attempts }) => ({
    ...{ image, commit, location, description, attempts },
    state: state as CommitState,
  }));
}

/** Milliseconds until the next one is due; undefined when none is. */
export async function nextDue(reader: DatabaseReader, fleet: string, now: Date): Promise<number | undefined> {
  const row = await reader
    .selectFrom('commit_status')
    .select((expression) => expression.fn.min('next').as('next'))
    .where('fleet', '=', fleet)
    .executeTakeFirst();
  return row?.next === null || row?.next === undefined ? undefined : Math.max(0, row.next.getTime() - now.getTime());
}

export interface Told {
  readonly next: Date | null;
  readonly told: boolean;
  readonly error: string | null;
}

/** Writes down what came of telling; not where another state came meanwhile. */
export async function recordTold(database: Database, fleet: string, status: DueStatus, told: Told): Promise<void> {
  const { image, commit, state, description, attempts } = status;
  await database.kysely
    .updateTable('commit_status')
    .set({
      next: told.next,
      error: told.error,
      attempts: told.told ? 0 : attempts + 1,
      ...(told.told ? { told: `${state}: ${description}` } : {}),
    })
    .where('fleet', '=', fleet)
    .where('image', '=', image)
    .where('commit', '=', commit)
    .where('state', '=', state)
    .where('description', '=', description)
    .execute();
}

/** Commits that wait for a word. */
export async function pendingCommits(
  reader: DatabaseReader,
  fleet: string,
): Promise<readonly { readonly image: string; readonly commit: string; readonly location: string }[]> {
  return reader
    .selectFrom('commit_status')
    .select(['image', 'commit', 'location'])
    .where('fleet', '=', fleet)
    .where('state', '=', 'pending')
    .execute();
}
