import type { Database } from './database.ts';
import { openEmbedded } from './embedded.ts';
import { openPostgresql } from './postgresql.ts';

export type DatabaseOptions =
  | {
      readonly kind: 'embedded';
      /** `Home.database`; made when missing. */
      readonly directory: string;
      /** In a thread of its own; see `EmbeddedOptions`. */
      readonly thread?: boolean;
    }
  | { readonly kind: 'postgresql'; readonly url: string };

/**
 * Opens and migrates the database.
 * @throws DATABASE_IN_USE, DATABASE_BROKEN, DATABASE_UNREACHABLE, DATABASE_NEWER, DATABASE_MIGRATION_FAILED
 */
export function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.kind === 'embedded' ? openEmbedded(options.directory, options) : openPostgresql(options.url);
}
