/** A throw-away RabbitMQ node for tests: own name, cookie, folders, loopback ports and port mapper. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './postgresql.ts';

export interface TestBroker {
  readonly url: string;
  /** SIGKILL: what a crash does. */
  crash(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The server script, or undefined when RabbitMQ is not installed. The packaged wrapper insists on its own user. */
export function rabbitmqServer(): string | undefined {
  const root = '/usr/lib/rabbitmq/lib';
  if (!existsSync(root) || !existsSync('/usr/bin/epmd')) return undefined;
  return readdirSync(root)
    .map((version) => join(root, version, 'sbin/rabbitmq-server'))
    .find((path) => existsSync(path));
}

const END_ALL_MS = 20_000;

export async function startBroker(server: string): Promise<TestBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-rabbitmq-'));
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `heraklit-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  await writeFile(join(directory, 'enabled_plugins'), '[].\n');
  await writeFile(join(directory, 'rabbitmq.conf'), 'log.file.level = error\n');
  // A child of ours instead of the daemon that Erlang would leave behind.
  const epmd = spawn('/usr/bin/epmd', ['-port', String(mapper), '-address', '127.0.0.1'], { stdio: 'ignore' });
  let node: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  const start = async (): Promise<void> => {
    const child = spawn(server, [], { env: environment, cwd: directory, stdio: 'ignore', detached: true });
    node = child;
    ended = new Promise((resolve) => child.once('exit', resolve));
    for (let attempt = 0; !(await answers(port)); attempt += 1) {
      if (attempt > 600 || child.exitCode !== null) throw new Error('RabbitMQ did not start');
      await sleep(200);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    // The script leads a process group of its own, with the Erlang machine and its helpers.
    if (node?.pid !== undefined && node.exitCode === null && node.signalCode === null) process.kill(-node.pid, signal);
    await Promise.race([ended, sleep(END_ALL_MS)]);
  };
  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    crash: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGKILL');
      epmd.kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** True when the broker speaks AMQP: it answers a wrong greeting with the right one. */
async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / ..'));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.subarray(0, 4).toString('latin1') === 'AMQP');
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
