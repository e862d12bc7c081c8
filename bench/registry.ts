/**
 * The registry beside Debian's docker-registry, on one disk, in one run, turn by turn: manifests and small pushes a
 * second at 16 clients, a big blob up and down, memory while 16 clients move big blobs. `--quick` takes smaller blobs
 * and fewer rounds. Needs `docker-registry wrk curl` from apt.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORK } from './fixtures.ts';
import { median } from './harness.ts';
import { Connection } from './registry/connection.ts';
import { download, fileDigest, manifestRate, pushRate, pushSmallImage, uploadFile } from './registry/load.ts';
import { type Server, startHeraklit, startPeer } from './registry/servers.ts';

const MB = 1_000_000;
const QUICK = process.argv.includes('--quick');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const ROUNDS = QUICK ? 2 : 5;
const SECONDS = QUICK ? 3 : 8;
const BIG = (QUICK ? 200 : 1_000) * MB;
const CLIENTS = 16;
const TAG = 'v1';

interface Row {
  readonly title: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  /** Ours over the peer's: how many times more of it. */
  readonly ratio: number;
  readonly goal: number;
  /** Processor seconds of the server for one unit of work. */
  readonly processor: { readonly ours: number; readonly peer: number };
}

/** `run` gives units a second and the units done, for each server in turn, `ROUNDS` times. */
async function row(
  title: string,
  unit: string,
  goal: number,
  servers: readonly [Server, Server],
  run: (server: Server) => Promise<{ readonly rate: number; readonly units: number }>,
): Promise<Row> {
  const rates: [number[], number[]] = [[], []];
  const costs: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const at of [0, 1] as const) {
      const before = servers[at].cpu();
      const { rate, units } = await run(servers[at]);
      rates[at].push(rate);
      costs[at].push((servers[at].cpu() - before) / units);
    }
    process.stderr.write(`${title} ${round + 1}/${ROUNDS}: ${rates.map((all) => all.at(-1)?.toFixed(1)).join(', ')}\n`);
  }
  const [ours, peer] = [median(rates[0]), median(rates[1])];
  const processor = { ours: median(costs[0]), peer: median(costs[1]) };
  return { title, unit, ours, peer, ratio: ours / peer, goal, processor };
}

/** A file of random bytes; its first 16 change each time, so that no server has it already. */
function freshFile(path: string, size: number): string {
  execFileSync('sh', ['-c', `head -c ${size} /dev/urandom > "$0"`, path]);
  return fileDigest(path);
}

/** Most resident bytes above idle while `work` runs. */
async function peak(server: Server, work: () => Promise<unknown>): Promise<number> {
  const idle = server.resident();
  let most = idle;
  let running = true;
  const watch = (async () => {
    while (running) {
      most = Math.max(most, server.resident());
      await sleep(20);
    }
  })();
  await work();
  running = false;
  await watch;
  return most - idle;
}

mkdirSync(WORK, { recursive: true });
const folder = mkdtempSync(join(WORK, 'registry-files-'));
const servers = [await startHeraklit(), await startPeer()] as const;
const rows: Row[] = [];
const wanted = (name: string): boolean => only === undefined || only.split(',').includes(name);
try {
  for (const { host, port } of servers) {
    const connection = new Connection(host, port);
    await pushSmallImage(connection, 'bench/read', TAG);
    connection.close();
  }
  if (wanted('manifest')) {
    const run = async (server: Server) => {
      const rate = await manifestRate(server, TAG, SECONDS);
      return { rate, units: rate * SECONDS };
    };
    rows.push(await row(`manifest GETs, ${CLIENTS} clients`, '/s', 3, servers, run));
  }
  for (const clients of [CLIENTS, 1]) {
    if (!wanted('push')) continue;
    const run = async (server: Server) => {
      const rate = await pushRate(server, clients, SECONDS);
      return { rate, units: rate * SECONDS };
    };
    rows.push(await row(`small images pushed, ${clients} client${clients > 1 ? 's' : ''}`, '/s', 3, servers, run));
  }
  if (wanted('upload')) {
    const file = join(folder, 'upload');
    const run = async (server: Server) => {
      const digest = freshFile(file, 200 * MB);
      execFileSync('sync');
      return { rate: 200 / (await uploadFile(server, file, digest)), units: 200 };
    };
    rows.push(await row('upload of a 200 MB blob', 'MB/s', 1.5, servers, run));
  }
  const big = join(folder, 'big');
  if (wanted('download') || wanted('memory')) {
    const digest = freshFile(big, BIG);
    for (const server of servers) await uploadFile(server, big, digest);
    if (wanted('download')) {
      const run = async (server: Server) => ({
        rate: BIG / MB / (await download(server, digest, 1)),
        units: BIG / MB,
      });
      rows.push(await row(`download of a ${BIG / MB} MB blob`, 'MB/s', 1, servers, run));
      const many = async (server: Server) => ({
        rate: (CLIENTS * BIG) / MB / (await download(server, digest, CLIENTS)),
        units: (CLIENTS * BIG) / MB,
      });
      rows.push(await row(`the same by ${CLIENTS} clients`, 'MB/s', 1, servers, many));
    }
    if (wanted('memory')) {
      for (const server of servers) {
        const down = await peak(server, () => download(server, digest, CLIENTS));
        const up = await peak(server, () =>
          Promise.all(Array.from({ length: CLIENTS }, () => uploadFile(server, big, digest))),
        );
        console.log(
          `${server.name}: ${CLIENTS} clients move ${BIG / MB} MB each: ${(down / MB).toFixed(0)} MB over idle down, ` +
            `${(up / MB).toFixed(0)} MB up (goal 200)`,
        );
      }
    }
  }
} finally {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${cpus().length} × ${cpus()[0]?.model}; medians, in turn; load ${loadavg()[0]?.toFixed(1)}`);
for (const { title, unit, ours, peer, ratio, goal, processor } of rows) {
  const cost = (seconds: number): string => `${(seconds * 1_000).toFixed(2)} ms`;
  console.log(
    `${title}: ${ours.toFixed(1)} ${unit}, peer ${peer.toFixed(1)} ${unit}, ratio ${ratio.toFixed(2)}× ` +
      `(goal ${goal}×)${ratio >= goal ? '' : '  MISSED'}; processor a unit ${cost(processor.ours)}, peer ${cost(processor.peer)}`,
  );
}
const at = process.argv.indexOf('--json');
const file = at < 0 ? undefined : process.argv[at + 1];
if (file !== undefined) writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
