import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { Cursor } from './cursor.ts';
import type { EventSink } from './envelope.ts';
import { readEvents } from './read.ts';

export interface DeliveryOptions {
  readonly database: Database;
  readonly sink: EventSink;
  readonly cursor: Cursor;
  readonly log: Log;
  readonly batch: number;
  readonly delay: number;
  readonly maximumDelay: number;
  readonly poll: number;
}

/** One sink's loop: claim, read, deliver, advance; and pauses. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #stopping = new AbortController();
  #pause = new AbortController();
  #woken = false;
  #failures = 0;
  #position = 0;
  #running: Promise<void> | undefined;
  readonly #waiting = new Set<{ readonly target: number; readonly resolve: () => void }>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Resolves once the position is claimed (or found held elsewhere), so that an ephemeral sink misses nothing after. */
  async start(): Promise<void> {
    this.#position = (await this.#options.cursor.claim()) ?? 0;
    this.#running = this.#loop();
  }

  /** There may be something new. A sink that is failing keeps its pause. */
  wake(): void {
    this.#woken = true;
    if (this.#failures === 0) this.#pause.abort();
  }

  async reached(target: number, signal?: AbortSignal): Promise<void> {
    if (this.#position >= target) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { target, resolve };
    this.#waiting.add(waiter);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    this.wake();
    try {
      await promise;
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#pause.abort();
    await this.#running;
    await this.#options.cursor.release().catch(() => undefined);
  }

  async #loop(): Promise<void> {
    const { sink, log } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        const more = await this.#step();
        if (this.#failures > 0) log.info(`events reach ${sink.name} again`);
        this.#failures = 0;
        if (!more) await this.#rest(this.#options.poll);
      } catch (error) {
        this.#failures += 1;
        const wait = Math.min(this.#options.delay * 2 ** Math.min(this.#failures - 1, 20), this.#options.maximumDelay);
        log.warn(`events do not reach ${sink.name}: ${messageOf(error)}`, { attempt: this.#failures, wait });
        await this.#rest(wait);
      }
    }
  }

  /** Delivers one batch; false when there was nothing to deliver. */
  async #step(): Promise<boolean> {
    const { database, cursor, sink, batch } = this.#options;
    this.#woken = false;
    const claimed = await cursor.claim();
    if (claimed === undefined) return false;
    this.#moved(claimed);
    const events = await readEvents(database.kysely, { after: claimed, limit: batch });
    const last = events.at(-1);
    if (last === undefined) return false;
    await sink.deliver(events);
    if (await cursor.advance(last.sequence)) this.#moved(last.sequence);
    return true;
  }

  #moved(position: number): void {
    this.#position = position;
    for (const waiter of this.#waiting) if (position >= waiter.target) waiter.resolve();
  }

  async #rest(milliseconds: number): Promise<void> {
    if (this.#stopping.signal.aborted || (this.#woken && this.#failures === 0)) return;
    this.#pause = new AbortController();
    await sleep(milliseconds, undefined, { signal: this.#pause.signal }).catch(() => undefined);
  }
}
