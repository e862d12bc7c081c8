import { type Log, messageOf } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type AuditEntry, writeAudit } from './audit.ts';

/** Milliseconds an entry waits for others: what a killed process can lose. */
const WAIT = 1_000;
const BATCH = 500;
/** Entries kept while the database does not answer. */
const MAX_WAITING = 20_000;

/** Entries that belong to no transaction, written in batches: a commit each would cost more than what they tell of. */
export interface AuditBuffer {
  add(entry: AuditEntry): void;
  /** Writes what waits. */
  close(): Promise<void>;
}

export function createAuditBuffer(database: Database, log: Log): AuditBuffer {
  let waiting: AuditEntry[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      try {
        await writeAudit(database.kysely, batch);
      } catch (error) {
        log.error('the audit log cannot be written', { error: messageOf(error), waiting: waiting.length });
        return;
      }
      waiting = waiting.slice(batch.length);
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };
  return {
    add(entry) {
      if (waiting.length >= MAX_WAITING) {
        log.error('an entry of the audit log is lost: the database takes none', { ...entry });
        return;
      }
      waiting.push(entry);
      timer ??= setTimeout(() => void flush(), WAIT).unref();
    },
    close: flush,
  };
}
