import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { messageOf, redact } from '../base/index.ts';
import { type Database, databaseOver } from './database.ts';
import { databaseError } from './errors.ts';
import { listenPostgresql } from './listen.ts';
import { migrate } from './migrate.ts';
import { PreparedClient } from './prepared-client.ts';
import type { Schema } from './schema/index.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 10;

/** bigint as number: our counters stay far below 2^53, and PGlite does the same. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    Number(oid) === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid as number, format as 'text'),
};

/**
 * A PostgreSQL server (15 or later), for more than one process or machine.
 * @throws DATABASE_UNREACHABLE, DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export async function openPostgresql(url: string): Promise<Database> {
  const pool = new pg.Pool({
    Client: PreparedClient,
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types,
    application_name: 'heraklit',
  });
  // An idle connection that breaks is replaced on next use; without a listener it would end the process.
  pool.on('error', () => undefined);
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw databaseError('DATABASE_UNREACHABLE', `PostgreSQL at ${redact(url)}: ${messageOf(error)}`, {
      cause: error,
      hint: 'Check that the server runs, the URL is right and the user may connect.',
    });
  }
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(kysely as unknown as Kysely<unknown>);
  } catch (error) {
    await kysely.destroy();
    throw error;
  }
  return databaseOver(kysely, {
    kind: 'postgresql',
    async query(text, values) {
      const result = values === undefined ? await pool.query(text) : await pool.query(text, [...values]);
      // Several statements give several results, which the type of pg does not say.
      return { rows: [result].flat().flatMap((one) => one.rows as unknown[]) };
    },
    listen: (channel, listener) => listenPostgresql(pool, channel, listener),
    async release() {},
  });
}
