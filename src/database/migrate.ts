import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { isHeraklitError, messageOf } from '../base/index.ts';
import { databaseError } from './errors.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';

/** Any number of ours: processes that start together migrate one after the other. */
const MIGRATION_LOCK = 4_372_001;

/**
 * Brings the schema up to date; returns the names of what ran now.
 * @throws DATABASE_NEWER when the database knows a migration that this version does not: a downgrade
 * @throws DATABASE_MIGRATION_CHANGED when one that ran had other statements than this version's of the same name
 * @throws DATABASE_MIGRATION_FAILED naming the migration; everything of it is rolled back
 */
export async function migrate(
  database: Kysely<unknown>,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly string[]> {
  const applied = await appliedMigrations(database);
  refuseNewer([...applied.keys()], migrations);
  refuseChanged(applied, migrations);
  if ([...applied.values()].includes(undefined)) await recordChecksums(database, migrations);
  const ran: string[] = [];
  for (const migration of migrations) {
    if (!applied.has(migration.name) && (await apply(database, migration))) ran.push(migration.name);
  }
  return ran;
}

/** Of its statements; how they are laid out does not matter. */
export function checksumOf(migration: Migration): string {
  const text = migration.statements.map((statement) => statement.replace(/\s+/g, ' ').trim()).join(';\n');
  return createHash('sha256').update(text).digest('hex');
}

/** Name → checksum; undefined where it ran before checksums were kept. */
async function appliedMigrations(database: Kysely<unknown>): Promise<ReadonlyMap<string, string | undefined>> {
  const table = await sql<{ present: boolean }>`
    select to_regclass('schema_migration') is not null as present`.execute(database);
  if (table.rows[0]?.present !== true) return new Map();
  // Through JSON: the column is not there in a database of an earlier version.
  const { rows } = await sql<{ name: string; checksum: string | null }>`
    select name, to_jsonb(schema_migration) ->> 'checksum' as checksum from schema_migration`.execute(database);
  return new Map(rows.map((row) => [row.name, row.checksum ?? undefined]));
}

function refuseNewer(applied: readonly string[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name));
  const unknown = applied.filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw databaseError('DATABASE_NEWER', `the database was migrated by a newer heraklit: ${unknown.join(', ')}`, {
    hint: 'Start the newer version again; migrations only go forward.',
    details: { unknown },
  });
}

function refuseChanged(applied: ReadonlyMap<string, string | undefined>, migrations: readonly Migration[]): void {
  const changed = migrations.flatMap((migration) => {
    const recorded = applied.get(migration.name);
    return recorded === undefined || recorded === checksumOf(migration) ? [] : [migration.name];
  });
  if (changed.length === 0) return;
  const what = `the database was migrated by other statements than this heraklit's: ${changed.join(', ')}`;
  throw databaseError('DATABASE_MIGRATION_CHANGED', what, {
    hint: 'Start the version that made it (a development version, perhaps), or begin with an empty database.',
    details: { changed },
  });
}

/** A database from before checksums: what ran there is taken for what this version has under the name. */
async function recordChecksums(database: Kysely<unknown>, migrations: readonly Migration[]): Promise<void> {
  await database.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
    await sql`alter table schema_migration add column if not exists checksum text`.execute(trx);
    for (const migration of migrations) {
      await sql`update schema_migration set checksum = ${checksumOf(migration)}
        where name = ${migration.name} and checksum is null`.execute(trx);
    }
  });
}

/** False when another process applied it meanwhile. */
async function apply(database: Kysely<unknown>, migration: Migration): Promise<boolean> {
  try {
    return await database.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(trx);
      await sql`create table if not exists schema_migration (
        name text primary key, applied timestamptz not null default now(), checksum text)`.execute(trx);
      const recorded = await sql`insert into schema_migration (name, checksum)
        values (${migration.name}, ${checksumOf(migration)})
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
