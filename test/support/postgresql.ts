/** A throw-away PostgreSQL cluster for tests: unix socket and loopback port under a temporary folder. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);

export interface TestCluster {
  readonly port: number;
  /** URL of a new, empty database. */
  createDatabase(): Promise<string>;
  /** Kills the server as a crash would; `start` brings it back on the same data and port. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Folder with initdb and postgres, or undefined when PostgreSQL is not installed. */
export function postgresqlPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** PostgreSQL refuses to run as root, so root runs it as the packaged user. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'postgres'])).stdout)),
  );
  return { uid: uid as number, gid: gid as number };
}

export async function startCluster(programs: string): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-postgresql-'));
  const user = await serverUser();
  if (user !== undefined) await chown(directory, user.uid, user.gid);
  const options = { cwd: directory, ...user };
  const data = join(directory, 'data');
  await run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8'], options);
  const port = await freePort();
  const url = (name: string): string => `postgresql://postgres@127.0.0.1:${port}/${name}`;
  let server: ReturnType<typeof spawn> | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let count = 0;

  const admin = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const start = async (): Promise<void> => {
    const set = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`, 'fsync=off'];
    const child = spawn(join(programs, 'postgres'), ['-D', data, ...set.flatMap((one) => ['-c', one])], {
      ...options,
      stdio: 'ignore',
    });
    server = child;
    ended = new Promise((resolve) => child.once('exit', resolve));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await admin('select 1');
        return;
      } catch (error) {
        if (attempt === 150) throw error;
        await sleep(100);
      }
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    server?.kill(signal);
    await ended;
  };
  await start();
  return {
    port,
    async createDatabase() {
      count += 1;
      await admin(`create database test_${count}`);
      return url(`test_${count}`);
    },
    crash: () => end('SIGQUIT'),
    start,
    async stop() {
      await end('SIGQUIT');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
