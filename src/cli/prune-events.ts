import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { Fleet } from '../recipe/index.ts';
import type { CliContext } from './context.ts';

const DAY = 24 * 3_600_000;
/** Milliseconds between two looks of a server. */
const INTERVAL = 3_600_000;

/** Removes delivered events that are older than the fleet keeps them. A failure is no reason to end what the user asked for. */
export async function pruneEvents(database: Database, fleet: Fleet | undefined, context: CliContext): Promise<void> {
  const { DEFAULT_RETENTION_DAYS, pruneOutbox } = await import('../events/index.ts');
  const days = fleet?.events?.retentionDays ?? DEFAULT_RETENTION_DAYS;
  try {
    const { signal } = context;
    const count = await pruneOutbox(database, { olderThan: new Date(Date.now() - days * DAY), signal });
    if (count > 0) context.log.info(`${count} delivered events older than ${days} days were removed`);
  } catch (error) {
    if (!context.signal.aborted) context.log.warn(`old events could not be removed: ${messageOf(error)}`);
  }
}

/** The same every hour, until `stop`. */
export function keepEventsPruned(database: Database, fleet: Fleet | undefined, context: CliContext) {
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, context.signal]);
  const running = (async () => {
    while (!signal.aborted) {
      await pruneEvents(database, fleet, { ...context, signal });
      await sleep(INTERVAL, undefined, { signal }).catch(() => undefined);
    }
  })();
  return {
    async stop(): Promise<void> {
      ending.abort();
      await running;
    },
  };
}
