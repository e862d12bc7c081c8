/** Milliseconds of each run, summed up. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly runs: number;
}

export async function latency(runs: number, run: (at: number) => Promise<unknown>): Promise<Latency> {
  const times: number[] = [];
  for (let at = 0; at < runs; at += 1) {
    const start = performance.now();
    await run(at);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const rank = (share: number): number => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)] ?? 0;
  return { p50: rank(0.5), p99: rank(0.99), max: times.at(-1) ?? 0, runs };
}

/** Seconds that `work` took, and what it gave. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> {
  const start = performance.now();
  const value = await work();
  return { seconds: (performance.now() - start) / 1000, value };
}

/** The most that this process holds over what it held at first. */
export class PeakMemory {
  readonly #first = process.memoryUsage().rss;
  #most = 0;
  readonly #timer = setInterval(() => this.#look(), 200).unref();

  #look(): void {
    this.#most = Math.max(this.#most, process.memoryUsage().rss - this.#first);
  }

  /** Bytes; it then looks no more. */
  over(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#most;
  }
}
