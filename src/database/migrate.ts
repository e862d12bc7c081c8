import { type Kysely, sql } from 'kysely';
import { isHeraklitError, messageOf } from '../base/index.ts';
import { databaseError } from './errors.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';

/** Any number of ours: processes that start together migrate one after the other. */
const MIGRATION_LOCK = 4_372_001;

/**
 * Brings the schema up to date; returns the names of what ran now.
 * @throws DATABASE_NEWER when the database knows a migration that this version does not
 * @throws DATABASE_MIGRATION_FAILED naming the migration; everything of it is rolled back
 */
export async function migrate(
  database: Kysely<unknown>,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly string[]> {
  const applied = await appliedNames(database);
  refuseNewer(applied, migrations);
  const ran: string[] = [];
  for (const migration of migrations) {
    if (!applied.has(migration.name) && (await apply(database, migration))) ran.push(migration.name);
  }
  return ran;
}

async function appliedNames(database: Kysely<unknown>): Promise<ReadonlySet<string>> {
  const table = await sql<{ present: boolean }>`
    select to_regclass('schema_migration') is not null as present`.execute(database);
  if (table.rows[0]?.present !== true) return new Set();
  const { rows } = await sql<{ name: string }>`select name from schema_migration`.execute(database);
  return new Set(rows.map((row) => row.name));
}

function refuseNewer(applied: ReadonlySet<string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name));
  const unknown = [...applied].filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw databaseError('DATABASE_NEWER', `the database was migrated by a newer heraklit: ${unknown.join(', ')}`, {
    hint: 'Start the newer version again; migrations only go forward.',
    details: { unknown },
  });
}

/** False when another process applied it meanwhile. */
async function apply(database: Kysely<unknown>, migration: Migration): Promise<boolean> {
  try {
    return await database.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
      await sql`create table if not exists schema_migration (
        name text primary key, applied timestamptz not null default now())`.execute(trx);
      const recorded = await sql`insert into schema_migration (name) values (${migration.name})
        on conflict do nothing returning name`.execute(trx);
      if (recorded.rows.length === 0) return false;
      for (const statement of migration.statements) await sql.raw(statement).execute(trx);
      return true;
    });
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw databaseError('DATABASE_MIGRATION_FAILED', `migration ${migration.name}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Nothing of this migration was kept. Report it with the message above.',
    });
  }
}
