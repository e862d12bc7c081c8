/**
 * `node bench/rollout.ts [COPIES] [REQUESTS A SECOND]`: podman containers (apt: podman runc) behind our front, replaced
 * while requests of every kind come in: on kept and new connections, with bodies, two seconds long, pipelined, WebSockets.
 * Then a candidate whose health check fails, which is rolled back and quarantined. Ends with 1 when one request failed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openDatabase } from '../src/database/index.ts';
import { listQuarantine } from '../src/publish/index.ts';
import { rollOut } from '../src/rollout/index.ts';
import { createEngineRuntime, type RolloutOutcome } from '../src/runtime/index.ts';
import type { ImageUnderTest } from '../test/contract/workload-runtime.ts';
import { podmanScratch } from '../test/integration/engine-images.ts';
import type { LoadReport } from './rollout/load.ts';
import { programOf } from './rollout/program.ts';

const [copies = 20, rate = 600] = process.argv
  .slice(2)
  .filter((text) => /^\d+$/.test(text))
  .map(Number);
const NODE = dirname(dirname(process.execPath));
/** Longer than the slowest request. */
const GRACE = 30_000;
/** Seconds of requests before and after. */
const AROUND = 3000;

interface Result {
  readonly name: string;
  readonly outcome: RolloutOutcome | undefined;
  readonly report: LoadReport;
  /** Processor seconds of this process: the front and who replaces. */
  readonly processor: number;
}

const pause = async (milliseconds: number): Promise<void> =>
  void (await new Promise((resolve) => setTimeout(resolve, milliseconds)));

async function underLoad(port: number, work: () => Promise<RolloutOutcome | undefined>, name: string): Promise<Result> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'rollout/load.ts'), [String(port), String(rate)]);
  const used = process.cpuUsage();
  await pause(AROUND);
  const outcome = await work();
  await pause(AROUND);
  const told = once(child, 'message');
  child.send('stop');
  const [report] = (await told) as [LoadReport];
  const { user, system } = process.cpuUsage(used);
  return { name, outcome, report, processor: (user + system) / 1e6 };
}

function print({ name, outcome, report, processor }: Result): void {
  const { answered, failures, reset, sockets, latency, seconds } = report;
  const total = Object.values(answered).reduce((sum, one) => sum + one, 0);
  const took =
    outcome === undefined || outcome.kind === 'unchanged' ? '' : ` in ${(outcome.milliseconds / 1000).toFixed(1)} s`;
  const why = outcome !== undefined && 'reason' in outcome ? `: ${outcome.reason}` : '';
  console.log(`${name}: ${outcome?.kind ?? 'nothing'}${took}${why}`);
  console.log(
    `  ${total} requests, ${Math.round(total / seconds)} a second (${JSON.stringify(answered)}), ${((processor / total) * 1e6).toFixed(0)} µs of processor each`,
  );
  console.log(`  ${failures.length} failed, ${reset} of them reset; versions ${JSON.stringify(report.versions)}`);
  console.log(
    `  quick ones: median ${latency.median.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms, worst ${latency.worst.toFixed(0)} ms`,
  );
  console.log(
    `  WebSockets: ${sockets.opened} opened, ${sockets.messages} messages, ${sockets.closed} ended by a close frame, ${sockets.dropped} dropped`,
  );
  for (const [failure, times] of Map.groupBy(failures, (one) => one)) console.log(`  ${times.length} times ${failure}`);
}

const scratch = await podmanScratch();
if ('skip' in scratch) throw new Error(scratch.skip);
await using resources = new AsyncDisposableStack();
resources.defer(async () => await scratch.close());
const made = async (version: string, health: 'good' | 'fails'): Promise<ImageUnderTest> =>
  await scratch.image(version, programOf(version, health), ['/node/bin/node', '/www/index.html']);
const [first, second, bad] = [await made('first', 'good'), await made('second', 'good'), await made('bad', 'fails')];
const runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: GRACE });
resources.defer(async () => await runtime.close());
const database = await openDatabase({ kind: 'embedded', directory: join(scratch.directory, 'database') });
resources.defer(async () => await database.close());
const libraries = ['/lib', '/lib64', '/usr/lib'].map((folder) => `${folder}:${folder}:ro`);
const { front } = await runtime.launch(
  {
    name: 'web',
    image: first.image,
    replicas: copies,
    port: 8080,
    portVariable: 'PORT',
    network: 'host',
    listen: { host: '127.0.0.1', port: 0 },
    health: { kind: 'http', path: '/health' },
    hostConfig: { Binds: [...libraries, `${NODE}:/node:ro`] },
  },
  120_000,
);
const port = front?.address.port ?? 0;
const to = async (image: ImageUnderTest, deadline: number): Promise<RolloutOutcome | undefined> =>
  (await rollOut({ database, runtimes: [runtime] }, { ...image, workloads: ['web'], deadline })).outcomes[0];
const results = [
  await underLoad(port, async () => undefined, 'at rest'),
  await underLoad(port, () => to(second, 60_000), `${copies} containers replaced`),
  await underLoad(port, () => to(bad, 5000), 'a candidate that is never healthy'),
];
results.forEach(print);
const quarantined = (await listQuarantine(database.kysely)).map(({ digest }) => digest);
console.log(
  `quarantined: ${quarantined.includes(bad.digest) ? 'the bad one' : 'NOT the bad one'}, ${quarantined.length} in all`,
);
const json = process.argv.indexOf('--json');
if (json > 0) writeFileSync(process.argv[json + 1] as string, JSON.stringify({ copies, rate, results }));
const clean = results.every(({ report }) => report.failures.length === 0 && report.sockets.dropped === 0);
const kinds = results.map(({ outcome }) => outcome?.kind).join(' ');
await runtime.dismantle('web');
if (!clean || kinds !== ' rolledout rolledback' || quarantined.length !== 1) process.exitCode = 1;
