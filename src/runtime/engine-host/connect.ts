import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import { type Address, onHost } from './address.ts';
import { engineHostError } from './errors.ts';
import { type EngineSocket, openEngineSocket } from './http.ts';
import type { EndpointOptions, EngineEndpoint } from './remote/endpoint.ts';
import { namedEndpoint, openEndpoint } from './remote/open.ts';
import { dyingWithUs } from './remote/ssh-run.ts';

export interface EngineConnectOptions {
  /** Unix socket of a running API. Without it the usual places are tried, then an own podman service is started. */
  readonly socket?: string;
  /** Only this engine. */
  readonly command?: 'podman' | 'docker';
  /** Global podman arguments for an own service, e.g. `--runtime runc --root DIR`. Given → always an own service. */
  readonly engineArguments?: readonly string[];
  /** An engine elsewhere: `ssh://…`, `tcp://…` or `unix://…`. */
  readonly endpoint?: string;
  /** The same, by the name of a Docker context. */
  readonly dockerContext?: string;
  /** The same, by the name of a podman connection. */
  readonly podmanConnection?: string;
  readonly trust?: EndpointOptions;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface EngineConnection {
  readonly engine: 'podman' | 'docker';
  readonly version: string;
  /** `/v1.41`: what the engine itself names, so that neither is asked for more than it knows. */
  readonly prefix: string;
  readonly socket: EngineSocket;
  /** Where an address, as the engine's host sees it, is reached from here; undefined where it is not. */
  reach(address: Address): Promise<Address | undefined>;
  close(): Promise<void>;
}

/** Seconds without a call after which an own podman service ends by itself, should we be killed. */
const SERVICE_IDLE = 300;
/** Milliseconds for an own service to answer its first ping. */
const SERVICE_START = 10_000;

/** Asks who answers. Closes the socket where it is no engine. */
async function identify(socket: EngineSocket): Promise<Omit<EngineConnection, 'close' | 'reach'>> {
  try {
    const ping = await socket.call({ path: '/_ping', silence: 5000 });
    const version = await socket.call({ path: '/version', silence: 5000 });
    if (ping.status !== 200 || version.status !== 200) {
      throw engineHostError(
        'ENGINE_HOST_UNAVAILABLE',
        `${socket.path} answers ${ping.status} to a ping: not an engine's API`,
      );
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
  // Without util-linux nothing ends it with us: then idleness does.
  // KILL: asked to end in the middle of a start, podman 4 waits for ever with its lock, and every other podman with it.
  const [program, ...rest] = await dyingWithUs(command, 'KILL');
  const child = spawn(program as string, rest, {
    // Its container monitors leave files where they were started.
    cwd: directory,
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
      const connection = await identify(openEngineSocket({ kind: 'socket', path })).catch((error: unknown) => {
        if (Date.now() > deadline) throw error;
        return undefined;
      });
      if (connection !== undefined) {
        return {
          ...connection,
          reach: async (address) => onHost(address),
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
        hint: 'Install podman or Docker, or name the socket of a running one: `--socket PATH`.',
      });
    }
    await sleep(50);
  }
}

/**
 * @throws ENGINE_HOST_UNAVAILABLE with the reason in one line; of an engine elsewhere also ENGINE_HOST_UNTRUSTED,
 * ENGINE_HOST_LOGIN_FAILED, ENGINE_HOST_ENDPOINT_INVALID
 */
export async function connectEngine(options: EngineConnectOptions = {}): Promise<EngineConnection> {
  const elsewhere = await namedEndpoint(options);
  if (elsewhere !== undefined) return await connectEndpoint(elsewhere, options);
  return await connectHere(options);
}

async function connectEndpoint(endpoint: EngineEndpoint, options: EngineConnectOptions): Promise<EngineConnection> {
  const { socket, reach, close } = await openEndpoint(endpoint, options);
  try {
    const found = await identify(socket);
    if (options.command === undefined || options.command === found.engine) return { ...found, reach, close };
    throw engineHostError('ENGINE_HOST_UNAVAILABLE', `${socket.path} is ${found.engine}, not ${options.command}`);
  } catch (error) {
    await close();
    throw error;
  }
}

async function connectHere(options: EngineConnectOptions): Promise<EngineConnection> {
  const tried: string[] = [];
  for (const path of options.engineArguments === undefined ? candidateSockets(options) : []) {
    try {
      const found = await identify(openEngineSocket({ kind: 'socket', path }));
      if (options.command === undefined || options.command === found.engine) {
        return { ...found, reach: async (address) => onHost(address), close: async () => found.socket.close() };
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
    hint: 'Install podman or Docker, or name the socket of a running one: `--socket PATH`.',
  });
}
