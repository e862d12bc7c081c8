import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HERAKLIT, WORK } from '../fixtures.ts';

/** A registry under test: a process of its own with a folder of its own on the same disk as its peer's. */
export interface Server {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Processor seconds (user and system) of the whole process tree so far. */
  cpu(): number;
  /** Resident bytes of the process tree now. */
  resident(): number;
  stop(): Promise<void>;
}

const TICKS = 100;
const PAGE = 4096;

export async function startHeraklit(...options: readonly string[]): Promise<Server> {
  const home = mkdtempSync(join(WORK, 'registry-'));
  const port = await freePort();
  const argv = [HERAKLIT, '--home', home, 'serve', '--port', String(port), ...options];
  return started('heraklit', spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] }), port, home);
}

/** Debian's package, without access log and authentication: the fastest it goes. */
export async function startPeer(): Promise<Server> {
  const home = mkdtempSync(join(WORK, 'registry-'));
  const port = await freePort();
  const config = join(home, 'config.yml');
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: {
        cache: { blobdescriptor: 'inmemory' },
        filesystem: { rootdirectory: home },
        delete: { enabled: true },
      },
      http: { addr: `127.0.0.1:${port}` },
    }),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'ignore'] });
  return started('docker-registry', child, port, home);
}

async function started(name: string, child: ChildProcess, port: number, home: string): Promise<Server> {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} does not start`);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (answer?.ok === true) break;
    if (tries > 600 || child.exitCode !== null) throw new Error(`${name} does not answer`);
    await sleep(50);
  }
  return {
    name,
    host: '127.0.0.1',
    port,
    cpu: () => tree(pid).reduce((sum, one) => sum + ticks(one), 0) / TICKS,
    resident: () => tree(pid).reduce((sum, one) => sum + pages(one), 0) * PAGE,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A process and its descendants: `heraklit` may have started itself again with the pinned Node. */
function tree(pid: number): readonly number[] {
  const children = attempt(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')) ?? '';
  return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(tree)];
}

function ticks(pid: number): number {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function pages(pid: number): number {
  return Number(attempt(() => readFileSync(`/proc/${pid}/statm`, 'latin1'))?.split(' ')[1] ?? 0);
}

function attempt(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
