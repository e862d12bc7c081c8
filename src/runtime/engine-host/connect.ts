import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import { engineHostError } from './errors.ts';
import { type EngineSocket, openEngineSocket } from './http.ts';

export interface EngineConnectOptions {
  /** Unix socket of a running API. Without it the usual places are tried, then an own podman service is started. */
  readonly socket?: string;
  /** Only this engine. */
  readonly command?: 'podman' | 'docker';
  /** Global podman arguments for an own service, e.g. `--runtime runc --root DIR`. Given → always an own service. */
  readonly engineArguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

export interface EngineConnection {
  readonly engine: 'podman' | 'docker';
  readonly version: string;
  /** `/v1.41`: what the engine itself names, so that neither is asked for more than it knows. */
  readonly prefix: string;
  readonly socket: EngineSocket;
  close(): Promise<void>;
}

/** Seconds without a call after which an own podman service ends by itself, should we be killed. */
const SERVICE_IDLE = 300;
/** util-linux: the kernel ends the service when we are killed (prctl(2), PR_SET_PDEATHSIG); without it, idleness does. */
const SETPRIV = '/usr/bin/setpriv';
const DIE_WITH_US = [SETPRIV, '--pdeathsig', 'TERM', '--'];
/** Milliseconds for an own service to answer its first ping. */
const SERVICE_START = 10_000;

async function identify(path: string): Promise<Omit<EngineConnection, 'close'>> {
  const socket = openEngineSocket(path);
  try {
    const ping = await socket.call({ path: '/_ping', silence: 5000 });
    const version = await socket.call({ path: '/version', silence: 5000 });
    if (ping.status !== 200 || version.status !== 200) {
      throw engineHostError('ENGINE_HOST_UNAVAILABLE', `${path} answers ${ping.status} to a ping: not an engine's API`);
    }
    const podman = ping.headers['libpod-api-version'] !== undefined;
    const read = JSON.parse(version.body.toString()) as { Version?: string; ApiVersion?: string };
    return {
      engine: podman ? 'podman' : 'docker',
      version: read.Version ?? 'unknown',
      prefix: /^\d+\.\d+$/.test(read.ApiVersion ?? '') ? `/v${read.ApiVersion}` : '',
      socket,
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Where a running API may listen: named by the environment first, then the places the packages use. */
export function candidateSockets(options: EngineConnectOptions): readonly string[] {
  if (options.socket !== undefined) return [options.socket];
  const environment = options.environment ?? process.env;
  const named = [environment.CONTAINER_HOST, environment.DOCKER_HOST]
    .filter((host) => host?.startsWith('unix://'))
    .map((host) => (host as string).slice('unix://'.length));
  const user = environment.XDG_RUNTIME_DIR;
  const podman = [...(user === undefined ? [] : [join(user, 'podman/podman.sock')]), '/run/podman/podman.sock'];
  const docker = [...(user === undefined ? [] : [join(user, 'docker.sock')]), '/var/run/docker.sock'];
  if (options.command === 'podman') return [...named, ...podman];
  if (options.command === 'docker') return [...named, ...docker];
  return [...named, ...podman, ...docker];
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Folders of services whose process was killed: the name holds its pid. A service left behind ends when it is idle. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = /^heraklit-engine-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

async function startService(options: EngineConnectOptions): Promise<EngineConnection> {
  await sweep();
  const directory = await mkdtemp(join(tmpdir(), `heraklit-engine-${process.pid}-`));
  const path = join(directory, 'api.sock');
  const service = ['system', 'service', `--time=${SERVICE_IDLE}`, `unix://${path}`];
  const command = ['podman', ...(options.engineArguments ?? []), ...service];
  const [program, ...rest] =
    (await stat(SETPRIV).catch(() => undefined)) === undefined ? command : [...DIE_WITH_US, ...command];
  const child = spawn(program as string, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: options.environment ?? process.env,
  });
  let said = '';
  child.stderr.on('data', (part: Buffer) => {
    said = (said + part.toString()).slice(-2000);
  });
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code) => {
    ended ??= `podman system service ended with ${code}: ${said.trim().split('\n').at(-1) ?? ''}`;
  });
  // A parent that ends does not wait for it: it ends by itself when nobody calls any more.
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + SERVICE_START;
  for (;;) {
    if (ended === undefined && (await stat(path).catch(() => undefined)) !== undefined) {
      const connection = await identify(path).catch((error: unknown) => {
        if (Date.now() > deadline) throw error;
        return undefined;
      });
      if (connection !== undefined) {
        return {
          ...connection,
          close: async () => {
            connection.socket.close();
            await close();
          },
        };
      }
    }
    if (ended !== undefined || Date.now() > deadline) {
      await close();
      throw engineHostError('ENGINE_HOST_UNAVAILABLE', `cannot start podman's API: ${ended ?? 'no answer'}`, {
        hint: 'Install podman or Docker, or name the socket of a running one.',
      });
    }
    await sleep(50);
  }
}

/** @throws ENGINE_HOST_UNAVAILABLE with the reason in one line */
export async function connectEngine(options: EngineConnectOptions = {}): Promise<EngineConnection> {
  const tried: string[] = [];
  for (const path of options.engineArguments === undefined ? candidateSockets(options) : []) {
    try {
      const found = await identify(path);
      if (options.command === undefined || options.command === found.engine) {
        return { ...found, close: async () => found.socket.close() };
      }
      found.socket.close();
      tried.push(`${path} is ${found.engine}`);
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      if ((await stat(path).catch(() => undefined)) !== undefined) tried.push(messageOf(error));
    }
  }
  if (options.socket === undefined && options.command !== 'docker') {
    return await startService(options).catch((error: unknown) => {
      throw isHeraklitError(error) && tried.length > 0
        ? engineHostError('ENGINE_HOST_UNAVAILABLE', [...tried, error.message].join('; '), { cause: error })
        : error;
    });
  }
  throw engineHostError('ENGINE_HOST_UNAVAILABLE', tried.join('; ') || 'no engine socket found on this host', {
    hint: 'Install podman or Docker, or name the socket of a running one.',
  });
}
