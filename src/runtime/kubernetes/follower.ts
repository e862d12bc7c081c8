import { setTimeout as sleep } from 'node:timers/promises';
import { isAway } from './errors.ts';
import { followWorkload } from './follow.ts';
import type { WorkloadObject } from './objects.ts';
import type { Run } from './run.ts';

/** The newest state of the workload, kept up by a watch for as long as a rollout takes. */
export class Follower {
  readonly #end = new AbortController();
  #latest: WorkloadObject | undefined;
  #failure: unknown;
  #away: number | undefined;
  #why: unknown;
  #wake = (): void => {};
  #changed = false;

  constructor(run: Run) {
    const signal = run.signal === undefined ? this.#end.signal : AbortSignal.any([run.signal, this.#end.signal]);
    void this.#follow(run, signal);
  }

  async #follow(run: Run, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const object of followWorkload(run.client, run.kind, run.namespace, run.name, signal)) {
          this.#latest = object;
          this.#away = undefined;
          this.#tell();
        }
      } catch (error) {
        if (signal.aborted) return;
        // A cluster that is away for a while comes back; how long is too long is the waiting one's to say.
        if (isAway(error)) {
          this.#away ??= performance.now();
          this.#why = error;
        } else this.#failure = error;
        this.#tell();
        await sleep(run.pace.look, undefined, { signal }).catch(() => {});
        if (this.#failure !== undefined) return;
      }
    }
  }

  #tell(): void {
    this.#changed = true;
    this.#wake();
  }

  /** Until the workload changes, at most so many milliseconds. */
  async next(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#changed) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      const ends = signal === undefined ? woken.signal : AbortSignal.any([woken.signal, signal]);
      await sleep(milliseconds, undefined, { signal: ends }).catch(() => {});
    }
    this.#changed = false;
    signal?.throwIfAborted();
  }

  /** Undefined before the first answer. @throws what ended the watch, KUBERNETES_WORKLOAD_MISSING above all */
  get latest(): WorkloadObject | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#latest;
  }

  /** Milliseconds since the cluster was found away; 0 while it answers. */
  get away(): number {
    return this.#away === undefined ? 0 : performance.now() - this.#away;
  }

  /** Why it was found away last. */
  get why(): unknown {
    return this.#why;
  }

  close(): void {
    this.#end.abort();
  }
}
