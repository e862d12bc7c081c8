import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineHostError } from '../errors.ts';
import { freePort } from '../free-port.ts';
import type { EngineEndpoint } from './endpoint.ts';
import { FIND_SOCKETS, RUN_SERVICE } from './remote-commands.ts';
import { dyingWithUs, type Running, runProgram, startProgram } from './ssh-run.ts';

export type SshEndpoint = Extract<EngineEndpoint, { kind: 'ssh' }>;

/** Milliseconds to log in, and for one command there. A slow link is not a broken one. */
const LOGIN = 60_000;
const COMMAND = 60_000;
/** Seconds after which a TCP connection that does not come about, or a host that says nothing, is given up. */
const CONNECT = 20;
const ALIVE_EVERY = 10;
const ALIVE_MISSED = 3;

/** One login at a host, over which its engine's socket and ports of its containers are reached. */
export interface SshTunnel {
  /** `user@host` for people. */
  readonly name: string;
  /** Path of the local end of the engine's socket; logs in again where the connection was lost. */
  socket(): Promise<string>;
  /** A local port that leads to an address as that host sees it. */
  reach(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }>;
  close(): Promise<void>;
}

const UNTRUSTED =
  /host key verification failed|host identification has changed|no .* host key is known|certificate invalid|revoked host key/i;
const DENIED = /permission denied|too many authentication failures|no such identity|bad permissions|invalid format/i;

function sshFailure(name: string, said: string, ended: string) {
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !/^@+$/.test(line));
  const text = lines.slice(-3).join(' ').replace(/\s+/g, ' ') || ended;
  if (UNTRUSTED.test(said)) {
    return engineHostError('ENGINE_HOST_UNTRUSTED', `${name} is not who it should be: ${text}`, {
      hint: 'Its host key must stand in known_hosts (`ssh-keyscan`, compared by another way); a key that changed is a warning.',
    });
  }
  if (DENIED.test(said)) {
    return engineHostError('ENGINE_HOST_LOGIN_FAILED', `${name} does not let us in: ${text}`, {
      hint: 'Keys only, and nobody is asked for a passphrase: name `sshKeyFile`, or load the key into an agent.',
    });
  }
  return engineHostError('ENGINE_HOST_UNAVAILABLE', `no connection to ${name}: ${text}`, {
    hint: '`ssh` from a shell with the same account shows more.',
  });
}

class Tunnel implements SshTunnel {
  readonly name: string;
  readonly #endpoint: SshEndpoint;
  readonly #command: 'podman' | 'docker' | undefined;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #folder: string;
  readonly #ports = new Map<string, { readonly host: string; readonly port: number }>();
  #master: Running | undefined;
  #service: Running | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(
    endpoint: SshEndpoint,
    command: 'podman' | 'docker' | undefined,
    environment: NodeJS.ProcessEnv,
    folder: string,
  ) {
    this.#endpoint = endpoint;
    this.#command = command;
    this.#environment = environment;
    this.#folder = folder;
    this.name = `${endpoint.user === undefined ? '' : `${endpoint.user}@`}${endpoint.host}`;
  }

  get #control(): string {
    return join(this.#folder, 'ctl');
  }

  get #local(): string {
    return join(this.#folder, 'api.sock');
  }

  /** A call over the master's connection: no login, no configuration, no terminal. */
  #over(...argv: readonly string[]): readonly string[] {
    return ['ssh', '-F', 'none', '-T', '-o', 'BatchMode=yes', '-S', this.#control, ...argv];
  }

  async #login(): Promise<Running> {
    const { host, user, port, sshKeyFile, knownHostsFile } = this.#endpoint;
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'ClearAllForwardings=yes',
      'ControlPersist=no',
      'StreamLocalBindUnlink=yes',
      `ConnectTimeout=${CONNECT}`,
      `ServerAliveInterval=${ALIVE_EVERY}`,
      `ServerAliveCountMax=${ALIVE_MISSED}`,
      ...(knownHostsFile === undefined ? [] : [`UserKnownHostsFile=${knownHostsFile}`, 'GlobalKnownHostsFile=none']),
      ...(sshKeyFile === undefined ? [] : ['IdentitiesOnly=yes', 'IdentityAgent=none']),
    ];
    const argv = await dyingWithUs([
      ...['ssh', '-M', '-S', this.#control, '-N', '-T', '-a', '-x'],
      ...options.flatMap((option) => ['-o', option]),
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(user === undefined ? [] : ['-l', user]),
      ...(sshKeyFile === undefined ? [] : ['-i', sshKeyFile]),
      ...['--', host],
    ]);
    await rm(this.#control, { force: true });
    const master = startProgram(argv, this.#environment, 'ignore');
    const until = Date.now() + LOGIN;
    for (;;) {
      const ended = master.ended();
      if (ended !== undefined) throw sshFailure(this.name, master.said(), ended);
      const check = await runProgram(this.#over('-O', 'check', '--', host), this.#environment, COMMAND);
      if (check.code === 0) return master;
      if (Date.now() > until) {
        master.child.kill('SIGTERM');
        throw sshFailure(this.name, master.said(), `not logged in within ${LOGIN} ms`);
      }
      await sleep(50);
    }
  }

  async #forward(from: string, to: string): Promise<void> {
    const { host } = this.#endpoint;
    const done = await runProgram(
      this.#over('-O', 'forward', '-L', `${from}:${to}`, '--', host),
      this.#environment,
      COMMAND,
    );
    if (done.code === 0) return;
    throw engineHostError('ENGINE_HOST_UNAVAILABLE', `${this.name} does not forward ${to}: ${done.stderr.trim()}`, {
      hint: 'Its sshd must allow it: AllowStreamLocalForwarding and AllowTcpForwarding.',
    });
  }

  /** Path of the engine's socket on that host; a podman that runs no service is given one while we are connected. */
  async #remoteSocket(): Promise<string> {
    const { host, path } = this.#endpoint;
    if (path !== undefined) return path;
    const found = await runProgram(this.#over('--', host, FIND_SOCKETS), this.#environment, COMMAND);
    const sockets = found.stdout.split('\n').filter((line) => line.startsWith('/'));
    const wanted = this.#command;
    const fitting = wanted === undefined ? sockets : sockets.filter((socket) => socket.includes(wanted));
    if (fitting[0] !== undefined) return fitting[0];
    if (wanted !== 'docker' && /^podman$/m.test(found.stdout)) return await this.#startService();
    const said = found.code === 0 ? '' : `: ${found.stderr.trim() || found.code}`;
    throw engineHostError('ENGINE_HOST_UNAVAILABLE', `${this.name} has no engine that answers${said}`, {
      hint: 'Start it there (`systemctl start podman.socket`, or `docker.service`), or name its socket: ssh://HOST/PATH.',
    });
  }

  async #startService(): Promise<string> {
    const argv = await dyingWithUs(this.#over('--', this.#endpoint.host, RUN_SERVICE));
    const service = startProgram(argv, this.#environment, 'pipe');
    this.#service = service;
    const path = await new Promise<string>((resolve, reject) => {
      let said = '';
      service.child.stdout?.on('data', (part: Buffer) => {
        said += part.toString();
        const line = /^(\/[^\n]+)\n/.exec(said)?.[1];
        if (line !== undefined) resolve(line);
      });
      service.child.once('close', () =>
        reject(
          engineHostError('ENGINE_HOST_UNAVAILABLE', `podman's API does not start on ${this.name}: ${service.said()}`),
        ),
      );
    });
    return path;
  }

  async #open(): Promise<void> {
    this.#service?.child.kill('SIGTERM');
    this.#master = await this.#login();
    try {
      await this.#forward(this.#local, await this.#remoteSocket());
      for (const [to, { host, port }] of this.#ports) await this.#forward(`${host}:${port}`, to);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async #ensure(): Promise<void> {
    if (this.#closed) throw engineHostError('ENGINE_HOST_UNAVAILABLE', `the connection to ${this.name} was closed`);
    const lost = this.#service !== undefined && this.#service.ended() !== undefined;
    if (this.#master !== undefined && this.#master.ended() === undefined && !lost) return;
    this.#end();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async socket(): Promise<string> {
    if (this.#opening !== undefined) await this.#opening;
    else await this.#ensure();
    return this.#local;
  }

  async reach(address: { readonly host: string; readonly port: number }) {
    await this.socket();
    const to = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    const known = this.#ports.get(to);
    if (known !== undefined) return known;
    const local = { host: '127.0.0.1', port: await freePort() };
    await this.#forward(`${local.host}:${local.port}`, to);
    this.#ports.set(to, local);
    return local;
  }

  #end(): void {
    this.#service?.child.kill('SIGTERM');
    this.#master?.child.kill('SIGTERM');
    this.#service = undefined;
    this.#master = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Logs in by the system's `ssh`, with its configuration, keys and agent, without asking anybody; host keys must be known.
 * @throws ENGINE_HOST_UNTRUSTED, ENGINE_HOST_LOGIN_FAILED, ENGINE_HOST_UNAVAILABLE
 */
export async function openSshTunnel(
  endpoint: SshEndpoint,
  command: 'podman' | 'docker' | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<SshTunnel> {
  // Short: the path of a socket has at most 107 bytes, and ssh appends some of its own.
  const folder = await mkdtemp(join(tmpdir(), `heraklit-engine-${process.pid}-`));
  const tunnel = new Tunnel(endpoint, command, environment, folder);
  try {
    await tunnel.socket();
    return tunnel;
  } catch (error) {
    await tunnel.close();
    throw error;
  }
}
