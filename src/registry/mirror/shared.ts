import type { ArrivingBlob } from './arriving-blob.ts';
import type { Asked } from './upstream-health.ts';

/** Tags whose last check is remembered; a forgotten one is checked again. */
const MAX_CHECKED = 50_000;

/** Calls for the same thing at the same time are one call. */
export class SingleFlight<Value> {
  readonly #running = new Map<string, Promise<Value>>();
  /** How long a result is handed out after it is there: until `until` of it resolves. */
  readonly #until: (value: Value) => Promise<unknown>;

  constructor(until: (value: Value) => Promise<unknown> = async () => undefined) {
    this.#until = until;
  }

  get size(): number {
    return this.#running.size;
  }

  run(key: string, work: () => Promise<Value>): Promise<Value> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = work();
    this.#running.set(key, started);
    const end = (): void => void this.#running.delete(key);
    started.then((value) => this.#until(value).then(end, end), end);
    return started;
  }
}

/** What all mirrored repositories of a process share. */
export interface Shared {
  /** Milliseconds since the epoch at which upstream last said what a tag names. */
  readonly checked: { get(key: string): number | undefined; set(key: string, at: number): void };
  readonly manifests: SingleFlight<'fresh' | 'stale'>;
  readonly downloads: SingleFlight<ArrivingBlob | undefined>;
  readonly lists: SingleFlight<Asked<readonly string[]>>;
}

export function createShared(): Shared {
  const checked = new Map<string, number>();
  return {
    checked: {
      get: (key) => checked.get(key),
      set(key, at) {
        checked.delete(key);
        checked.set(key, at);
        const [oldest] = checked.keys();
        if (checked.size > MAX_CHECKED && oldest !== undefined) checked.delete(oldest);
      },
    },
    manifests: new SingleFlight(),
    // Whoever asks while a blob comes reads along.
    downloads: new SingleFlight(async (blob) => blob?.stored),
    lists: new SingleFlight(),
  };
}
