import { randomUUID } from 'node:crypto';
import { type Log, silentLog } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import { ephemeralCursor, lastSequence, storedCursor } from './cursor.ts';
import { Delivery } from './delivery.ts';
import type { EventSink } from './envelope.ts';
import { OUTBOX_CHANNEL } from './outbox.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly sinks: readonly EventSink[];
  readonly log?: Log;
  /** Events one delivery carries at most. */
  readonly batch?: number;
  /** Milliseconds before the first retry of a failed delivery; doubles up to `maximumDelay`. */
  readonly delay?: number;
  readonly maximumDelay?: number;
  /** Milliseconds between looks when no wake-up came. */
  readonly poll?: number;
}

export interface Relay {
  /** Resolves when every sink has taken every event committed before the call. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Ends after the deliveries under way; closes the sinks. What was not delivered is delivered after a restart. */
  stop(): Promise<void>;
}

/**
 * Delivers the outbox to every sink: in commit order, at least once, each sink at its own pace. A sink that fails
 * is tried again with growing pauses and holds up no other.
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  const { database, sinks, log = silentLog } = options;
  const holder = randomUUID();
  const deliveries = sinks.map(
    (sink) =>
      new Delivery({
        database,
        sink,
        log,
        cursor: sink.ephemeral === true ? ephemeralCursor(database) : storedCursor(database, sink.name, holder),
        batch: options.batch ?? 500,
        delay: options.delay ?? 200,
        maximumDelay: options.maximumDelay ?? 30_000,
        poll: options.poll ?? 5_000,
      }),
  );
  const unlisten = await database.listen(OUTBOX_CHANNEL, () => {
    for (const delivery of deliveries) delivery.wake();
  });
  await Promise.all(deliveries.map((delivery) => delivery.start()));
  return {
    async flush(signal) {
      const target = await lastSequence(database);
      await Promise.all(deliveries.map((delivery) => delivery.reached(target, signal)));
    },
    async stop() {
      await unlisten();
      await Promise.all(deliveries.map((delivery) => delivery.stop()));
      await Promise.allSettled(sinks.map((sink) => sink.close()));
    },
  };
}
