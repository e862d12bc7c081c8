import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { PGlite, types } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import { asCodedError, isHeraklitError, messageOf, syncDirectory, writeFileAtomic } from '../base/index.ts';
import { type Database, databaseOver } from './database.ts';
import { DurableNodeFiles, durableStartParameters } from './durable-files.ts';
import { databaseError } from './errors.ts';
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
      query: (text, values) => rawQuery(pglite, text, values),
      listen: (channel, listener) => pglite.listen(channel, listener),
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

/**
 * V8 compiles a function of PGlite's WebAssembly anew, optimised, after about this many bytes of it ran. Ten times the
 * default: PostgreSQL has some very large functions, and optimising those that run a little takes 200 MB and a third
 * of a short command's processor time.
 */
const TIERING = '--wasm-tiering-budget=130000000';

async function start(directory: string): Promise<PGlite> {
  const unfinished = `${directory}.initialising`;
  try {
    // A first start that was killed half-way leaves a folder that never starts: begin again.
    if (existsSync(unfinished)) await rm(directory, { recursive: true, force: true });
    const fresh = !existsSync(join(directory, 'PG_VERSION'));
    if (fresh) await writeFileAtomic(unfinished, '');
    setFlagsFromString(TIERING);
    const pglite = new PGlite({
      fs: new DurableNodeFiles(directory),
      startParams: durableStartParameters(),
      relaxedDurability: false,
      parsers: { [types.INT8]: Number },
    });
    await pglite.waitReady;
    if (fresh) {
      await syncDirectory(directory);
      await rm(unfinished, { force: true });
    }
    return pglite;
  } catch (error) {
    const coded = asCodedError(error);
    if (isHeraklitError(coded)) throw coded;
    throw databaseError('DATABASE_BROKEN', `the database in ${directory} does not start: ${messageOf(error)}`, {
      cause: error,
      hint: 'Restore the folder from a backup, or move it away to start with an empty one.',
    });
  }
}

async function releaseQuietly(lock: DirectoryLock): Promise<void> {
  await lock.release().catch(() => undefined);
}

/** A failed `begin; …; commit` script must not leave its transaction open on the only connection. */
async function rawQuery(pglite: PGlite, text: string, values?: readonly unknown[]): Promise<{ rows: unknown[] }> {
  if (values !== undefined && values.length > 0) return await pglite.query(text, [...values]);
  try {
    return { rows: (await pglite.exec(text)).flatMap((result) => result.rows) };
  } catch (error) {
    await pglite.exec('rollback').catch(() => undefined);
    throw error;
  }
}
