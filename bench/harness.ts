import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** A command to be timed as a whole process. */
export interface Contestant {
  readonly name: string;
  readonly argv: readonly string[];
  /** Runs before each timed run and is not timed (empty a cache, remove an output). */
  readonly prepare?: () => void;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Timing {
  readonly name: string;
  /** Wall seconds of each run, in order. */
  readonly seconds: readonly number[];
  readonly median: number;
}

export interface Comparison {
  readonly title: string;
  readonly ours: Timing;
  readonly peer: Timing;
  /** Peer's median over ours: how many times faster we are. */
  readonly ratio: number;
  readonly goal: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** Wall seconds of one run. A command that fails ends the benchmark: a fast failure must not count as fast. */
export function timeOnce(contestant: Contestant): number {
  contestant.prepare?.();
  const [command = '', ...rest] = contestant.argv;
  const start = process.hrtime.bigint();
  const result = spawnSync(command, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...contestant.env },
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (result.status !== 0) {
    throw new Error(`${contestant.name}: ${contestant.argv.join(' ')} failed: ${String(result.stderr).slice(-2000)}`);
  }
  return seconds;
}

/** Runs both in turn (A B A B …), so that a machine whose speed drifts is fair to both. */
export function compare(title: string, ours: Contestant, peer: Contestant, goal: number, runs: number): Comparison {
  const seconds: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    seconds[0].push(timeOnce(ours));
    seconds[1].push(timeOnce(peer));
    process.stderr.write(
      `${title}: run ${run + 1}/${runs}: ${seconds[0].at(-1)?.toFixed(3)} s, ${seconds[1].at(-1)?.toFixed(3)} s\n`,
    );
  }
  const timing = (name: string, values: readonly number[]): Timing => ({
    name,
    seconds: values,
    median: median(values),
  });
  const [first, second] = [timing(ours.name, seconds[0]), timing(peer.name, seconds[1])];
  return { title, ours: first, peer: second, ratio: second.median / first.median, goal };
}

/** Prints a table, and the figures as JSON into the file that `--json FILE` names. */
export function report(comparisons: readonly Comparison[]): void {
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'processor'}; medians of whole processes, runs in turn`);
  for (const { title, ours, peer, ratio, goal } of comparisons) {
    console.log(
      `${title}: ${ours.name} ${ours.median.toFixed(3)} s, ${peer.name} ${peer.median.toFixed(3)} s, ratio ${ratio.toFixed(1)}× (goal ${goal}×)${ratio >= goal ? '' : '  MISSED'}`,
    );
  }
  const at = process.argv.indexOf('--json');
  const file = at < 0 ? undefined : process.argv[at + 1];
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(comparisons, null, 2)}\n`);
}
