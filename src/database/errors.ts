import { errorFactory } from '../base/index.ts';

export const databaseErrors = {
  DATABASE_IN_USE: {
    kind: 'usage',
    retryable: true,
    meaning: 'Another living process holds the embedded database of this home.',
  },
  DATABASE_UNREACHABLE: { kind: 'failed', retryable: true, meaning: 'PostgreSQL does not answer or refuses us.' },
  DATABASE_BROKEN: { kind: 'failed', retryable: false, meaning: 'The embedded database folder does not start.' },
  DATABASE_STOPPED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The embedded database of a running server has ended by itself, as when memory runs out.',
  },
  DATABASE_NEWER: {
    kind: 'usage',
    retryable: false,
    meaning: 'A newer heraklit has migrated this database; an older one must not write to it.',
  },
  DATABASE_MIGRATION_CHANGED: {
    kind: 'usage',
    retryable: false,
    meaning: 'A migration that this database has seen had other statements than the one of that name in this heraklit.',
  },
  DATABASE_MIGRATION_FAILED: { kind: 'failed', retryable: false, meaning: 'A migration failed and was rolled back.' },
  DATABASE_OUTSIDE_TRANSACTION: {
    kind: 'failed',
    retryable: false,
    meaning: 'A programming error: a query went past the transaction that is open around it.',
  },
} as const;

export const databaseError = errorFactory(databaseErrors);
