import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import { messageOf } from '../base/index.ts';
import { type Database, databaseOver } from './database.ts';
import { databaseError } from './errors.ts';
import { quoted } from './listen.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema/index.ts';

/**
 * PostgreSQL inside this process, in one folder.
 * @throws DATABASE_IN_USE, DATABASE_BROKEN, DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export async function openEmbedded(directory: string): Promise<Database> {
  const lock = await lockDirectory(`${directory}.lock`);
  try {
    const pglite = await start(directory);
    const kysely = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
    try {
      await migrate(kysely as unknown as Kysely<unknown>);
    } catch (error) {
      await pglite.close();
      throw error;
    }
    return databaseOver(kysely, {
      kind: 'embedded',
      listen: (channel, listener) => pglite.listen(quoted(channel), listener),
      async release() {
        if (!pglite.closed) await pglite.close();
        await lock.release();
      },
    });
  } catch (error) {
    await releaseQuietly(lock);
    throw error;
  }
}

async function start(directory: string): Promise<PGlite> {
  try {
    const pglite = new PGlite({ dataDir: directory, relaxedDurability: false, parsers: { 20: Number } });
    await pglite.waitReady;
    return pglite;
  } catch (error) {
    throw databaseError('DATABASE_BROKEN', `the database in ${directory} does not start: ${messageOf(error)}`, {
      cause: error,
      hint: 'Restore the folder from a backup, or move it away to start with an empty one.',
    });
  }
}

async function releaseQuietly(lock: DirectoryLock): Promise<void> {
  await lock.release().catch(() => undefined);
}
