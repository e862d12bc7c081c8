import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Home, isHeraklitError, writeFileAtomic } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { FindAdvisories } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';

/**
 * Says beside the database whether it holds advisories: without, no command that looks at one image waits a second for
 * the embedded database to start.
 */
const noteOf = (home: Home): string => join(home.root, 'advisory-feeds.json');

/** Call it after every change of the feeds. */
export async function noteFeeds(database: Database, home: Home): Promise<void> {
  const { listFeeds } = await import('../feed/advisory-feeds/index.ts');
  const feeds = await listFeeds(database.kysely);
  if (feeds.length === 0) await rm(noteOf(home), { force: true });
  else
    await writeFileAtomic(
      noteOf(home),
      `${JSON.stringify(feeds.map(({ location, digest }) => ({ location, digest })))}\n`,
    );
}

export interface ImportedAdvisories {
  readonly find: FindAdvisories;
  close(): Promise<void>;
}

/** What was imported into this home; undefined where there is nothing, or another process holds it. */
export async function importedAdvisories(context: CliContext): Promise<ImportedAdvisories | undefined> {
  const isShared = (process.env.HERAKLIT_DATABASE ?? '') !== '';
  if (!isShared && !existsSync(noteOf(context.home))) return undefined;
  try {
    const database = await openHomeDatabase(context);
    const { findAdvisories } = await import('../feed/advisory-feeds/index.ts');
    return {
      find: (ecosystem, names) => findAdvisories(database.kysely, ecosystem, names),
      close: () => database.close(),
    };
  } catch (error) {
    if (!isHeraklitError(error, 'DATABASE_IN_USE')) throw error;
    context.log.warn('imported advisories are left out: another process holds this home (outdated --all asks it)');
    return undefined;
  }
}
