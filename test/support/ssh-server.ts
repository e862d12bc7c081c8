import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SSHD = '/usr/sbin/sshd';

/** A real sshd on loopback, with keys of its own, for the account that runs the tests. */
export interface SshServer {
  readonly user: string;
  readonly port: number;
  /** Private key that it lets in. */
  readonly key: string;
  /** Private key that nobody lets in. */
  readonly strangeKey: string;
  readonly knownHosts: string;
  /** known_hosts with another key for the same address. */
  readonly wrongHosts: string;
  /** Drops every connection and does not listen until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function keygen(file: string): void {
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A process and all that it started, children first: sshd's connections are sessions of their own. */
async function family(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  return [...(await Promise.all(children.map(family))).flat(), pid];
}

async function endFamily(daemon: ChildProcess): Promise<void> {
  if (daemon.pid === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  for (const pid of (await family(daemon.pid)).toReversed()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended with its parent.
    }
  }
  await ended;
}

/**
 * @param settings further lines of sshd_config
 * @returns undefined where openssh-server is not installed
 */
export async function startSshServer(folder: string, settings: readonly string[] = []): Promise<SshServer | undefined> {
  if (spawnSync(SSHD, ['-V']).error !== undefined) return undefined;
  await mkdir(folder, { recursive: true });
  // sshd insists on this folder as root, and Debian makes it when the service starts.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const at = (name: string): string => join(folder, name);
  for (const name of ['host', 'login', 'strange', 'wrong']) keygen(at(name));
  await chmod(folder, 0o700);
  await writeFile(at('authorized'), await readFile(at('login.pub')), { mode: 0o600 });
  const port = await freePort();
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized')}`,
    `PidFile ${at('pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'MaxStartups 100',
    'MaxSessions 100',
    ...settings,
  ];
  await writeFile(at('sshd_config'), `${lines.join('\n')}\n`);
  const known = async (name: string, key: string): Promise<string> => {
    const [type, text] = (await readFile(at(`${key}.pub`), 'utf8')).split(' ');
    await writeFile(at(name), `[127.0.0.1]:${port} ${type} ${text}\n`);
    return at(name);
  };
  let daemon: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    daemon = spawn(SSHD, ['-D', '-e', '-f', at('sshd_config')], { stdio: 'ignore' });
    const until = Date.now() + 30_000;
    while (!(await answers(port))) {
      if (daemon.exitCode !== null || Date.now() > until) throw new Error('sshd does not listen');
      await sleep(50);
    }
  };
  await start();
  return {
    user: userInfo().username,
    port,
    key: at('login'),
    strangeKey: at('strange'),
    knownHosts: await known('known_hosts', 'host'),
    wrongHosts: await known('wrong_hosts', 'wrong'),
    start,
    stop: async () => {
      if (daemon !== undefined) await endFamily(daemon);
    },
  };
}
