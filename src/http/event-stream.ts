import type { Database } from '../database/index.ts';
import { OUTBOX_CHANNEL, readEvents } from '../events/index.ts';
import type { EventRecord } from './contract.ts';

/** Events in commit order, as they can be read again and waited for. */
export interface EventStream {
  read(after: number, limit: number): Promise<readonly EventRecord[]>;
  /** Sequence number of the newest event; 0 when there is none. */
  last(): Promise<number>;
  /** Calls `wake` when there may be new ones. */
  subscribe(wake: () => void): Promise<() => Promise<void>>;
}

/** The outbox of a home as a stream: one database listener, however many browsers look on. */
export function databaseEventStream(database: Database): EventStream {
  const wakes = new Set<() => void>();
  let listening: Promise<() => Promise<void>> | undefined;
  const wakeAll = (): void => {
    for (const wake of wakes) wake();
  };
  return {
    read: (after, limit) => readEvents(database.kysely, { after, limit }),
    async last() {
      const row = await database.kysely
        .selectFrom('outbox')
        .select('sequence')
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row?.sequence ?? 0;
    },
    async subscribe(wake) {
      wakes.add(wake);
      listening ??= database.listen(OUTBOX_CHANNEL, wakeAll);
      await listening.catch((error: unknown) => {
        wakes.delete(wake);
        listening = undefined;
        throw error;
      });
      return async () => {
        wakes.delete(wake);
        if (wakes.size > 0 || listening === undefined) return;
        const stop = await listening;
        if (wakes.size > 0) return;
        listening = undefined;
        await stop();
      };
    },
  };
}
