import { setFlagsFromString } from 'node:v8';
import { Kysely } from 'kysely';
import { asCodedError, isHeraklitError, messageOf } from '../base/index.ts';
import { type Database, databaseOver } from './database.ts';
import { embeddedDialect } from './embedded/dialect.ts';
import { type EmbeddedSession, rowsOf } from './embedded/session.ts';
import { createTurns, type Turns } from './embedded/turns.ts';
import { databaseError } from './errors.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema/index.ts';

export interface EmbeddedOptions {
  /**
   * In a thread of its own: for a server, whose event loop answers meanwhile. A short command has nothing to do
   * meanwhile, and a thread takes its time to start.
   */
  readonly thread?: boolean;
}

/** Milliseconds that open transactions have to end when the database is closed; what is left is as after a crash. */
const CLOSING = 20_000;

/**
 * PostgreSQL inside this process, in one folder.
 * @throws DATABASE_IN_USE, DATABASE_BROKEN, DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export async function openEmbedded(directory: string, { thread = false }: EmbeddedOptions = {}): Promise<Database> {
  const lock = await lockDirectory(`${directory}.lock`);
  try {
    const session = await start(directory, thread);
    const turns = createTurns();
    const kysely = new Kysely<Schema>({ dialect: embeddedDialect(session, turns) });
    try {
      await migrate(kysely as unknown as Kysely<unknown>);
    } catch (error) {
      await kysely.destroy();
      throw error;
    }
    let patience: NodeJS.Timeout | undefined;
    return databaseOver(kysely, {
      kind: 'embedded',
      closing() {
        patience = setTimeout(() => turns.abandon(), CLOSING);
      },
      query: (text, values) => inTurn(turns, () => rawQuery(session, text, values)),
      async listen(channel, listener) {
        const stop = await inTurn(turns, () => session.listen(channel, listener));
        return () => inTurn(turns, stop);
      },
      async release() {
        clearTimeout(patience);
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

async function start(directory: string, thread: boolean): Promise<EmbeddedSession> {
  try {
    setFlagsFromString(TIERING);
    if (thread) return await (await import('./embedded/threaded-session.ts')).threadedSession(directory);
    const [{ startPglite }, { preparedSession }] = await Promise.all([
      import('./embedded/start-pglite.ts'),
      import('./embedded/prepared-session.ts'),
    ]);
    return preparedSession(await startPglite(directory));
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

async function inTurn<T>(turns: Turns, work: () => Promise<T>): Promise<T> {
  const end = await turns.take();
  try {
    return await work();
  } finally {
    end();
  }
}

/** A failed `begin; …; commit` script must not leave its transaction open on the only connection. */
async function rawQuery(
  session: EmbeddedSession,
  text: string,
  values?: readonly unknown[],
): Promise<{ rows: unknown[] }> {
  if (values !== undefined && values.length > 0) return { rows: rowsOf(await session.run(text, values, false)) };
  const outcomes = await session.script(text);
  if (outcomes.at(-1)?.kind === 'failed') await session.script('rollback');
  return { rows: outcomes.flatMap(rowsOf) };
}
