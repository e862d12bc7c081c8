import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../outcome.ts';

/** Milliseconds to wait for more outcomes before a commit: a thousand rebases share few transactions and syncs. */
const LINGER_MS = 5;
/** Outcomes of one transaction at most. */
const BATCH = 256;

interface Waiting {
  readonly outcome: Outcome;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers outcomes that come close together into one transaction. */
export class Committer {
  readonly #commit: (outcomes: readonly Outcome[]) => Promise<void>;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(commit: (outcomes: readonly Outcome[]) => Promise<void>) {
    this.#commit = commit;
  }

  /** Resolves when the outcome is committed. */
  add(outcome: Outcome): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ outcome, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < BATCH) await sleep(LINGER_MS);
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#commit(batch.map((one) => one.outcome));
        for (const one of batch) one.resolve();
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.#running = false;
  }
}
