import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '../../base/index.ts';
import { sourceError } from '../errors.ts';
import type { GitAccess } from './credentials.ts';

export interface GitCall {
  readonly arguments: readonly string[];
  /** The repository's own folder (`--git-dir`). */
  readonly repository?: string;
  readonly input?: string | Uint8Array;
  readonly access?: GitAccess;
  /** Milliseconds. */
  readonly time: number;
  /** Bytes of standard output at most. */
  readonly outputBytes?: number;
  /** Asked now and then; what it answers ends git. */
  readonly watch?: () => Promise<Error | undefined>;
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  /** Its last lines, without secrets. */
  readonly stderr: string;
}

const MAX_STDERR = 32 * 1024;
const DEFAULT_OUTPUT = 64 * 1024 * 1024;
const WATCH_EVERY = 200;

/**
 * What holds for every call: no hooks, no filters, no helpers of the host, no configuration but ours, no prompts, no
 * other transport than the four of git-url.ts, no shell.
 */
const FIXED: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['protocol.https.allow', 'always'],
  ['protocol.http.allow', 'always'],
  ['protocol.ssh.allow', 'always'],
  ['protocol.git.allow', 'always'],
  ['fetch.fsckObjects', 'true'],
  // Old repositories have these and nothing comes of them.
  ['fetch.fsck.zeroPaddedFilemode', 'ignore'],
  ['fetch.fsck.badTimezone', 'ignore'],
  ['fetch.fsck.missingSpaceBeforeDate', 'ignore'],
  ['fetch.unpackLimit', '1'],
  ['fetch.writeCommitGraph', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  ['http.followRedirects', 'initial'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  ['safe.bareRepository', 'all'],
  ['advice.detachedHead', 'false'],
  ['lfs.fetchexclude', '*'],
];

const SSH_FIXED = [
  'BatchMode yes',
  'StrictHostKeyChecking yes',
  'UpdateHostKeys no',
  'ForwardAgent no',
  'ForwardX11 no',
  'PermitLocalCommand no',
  'ProxyCommand none',
  'ControlMaster no',
  'ControlPath none',
  'ConnectTimeout 30',
  'ServerAliveInterval 15',
  'ServerAliveCountMax 4',
];

/** Variables of the host that reach git: how to get out of a network, and where programs are. */
const PASSED = ['PATH', 'LANG', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY', 'SSH_AUTH_SOCK'];

/** @throws SOURCE_GIT_MISSING, SOURCE_LIMIT (time, output), what `watch` says */
export async function runGit(call: GitCall): Promise<GitResult> {
  const scratch = await mkdtemp(join(tmpdir(), 'heraklit-git-'));
  try {
    const sshConfig = join(scratch, 'ssh_config');
    await writeFile(sshConfig, `${[...SSH_FIXED, ...(call.access?.ssh ?? [])].join('\n')}\n`, { mode: 0o600 });
    const child = spawn(
      'git',
      [...(call.repository === undefined ? [] : ['--git-dir', call.repository]), ...call.arguments],
      {
        cwd: scratch,
        env: environmentOf(call, scratch, sshConfig),
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own, so that its helpers end with it.
        detached: true,
      },
    );
    return await finished(child, call);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function environmentOf(call: GitCall, scratch: string, sshConfig: string): NodeJS.ProcessEnv {
  const config = [...FIXED, ...(call.access?.config ?? [])];
  const environment: NodeJS.ProcessEnv = {
    HOME: scratch,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_CEILING_DIRECTORIES: scratch,
    // The one text that git gives to a shell; nothing foreign stands in it.
    GIT_SSH_COMMAND: 'ssh -F "$HERAKLIT_SSH_CONFIG"',
    GIT_SSH_VARIANT: 'ssh',
    HERAKLIT_SSH_CONFIG: sshConfig,
    GIT_CONFIG_COUNT: String(config.length),
  };
  for (const name of PASSED) if (process.env[name] !== undefined) environment[name] = process.env[name];
  for (const [index, [key, value]] of config.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return { ...environment, ...call.access?.environment, ...call.environment };
}

async function finished(child: ChildProcess, call: GitCall): Promise<GitResult> {
  const name = `git ${call.arguments.find((one) => !one.startsWith('-')) ?? ''}`;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let failure: unknown;
  const stop = (reason: unknown): void => {
    failure ??= reason;
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const output: Buffer[] = [];
  let length = 0;
  const limit = call.outputBytes ?? DEFAULT_OUTPUT;
  child.stdout?.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= limit) output.push(chunk);
    else stop(sourceError('SOURCE_LIMIT', `${name} says more than ${limit} bytes`, { hint: LIMIT_HINT }));
  });
  let words = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    words = Buffer.concat([words, chunk]).subarray(-MAX_STDERR);
  });
  child.once('error', (error: NodeJS.ErrnoException) =>
    reject(
      error.code === 'ENOENT'
        ? sourceError('SOURCE_GIT_MISSING', 'git is not installed', { cause: error, hint: 'Install git.' })
        : error,
    ),
  );
  child.once('close', (code) => resolve(code ?? -1));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(call.input ?? '');
  const late = setTimeout(
    () => stop(sourceError('SOURCE_LIMIT', `${name} took longer than ${call.time / 1_000} s`, { hint: LIMIT_HINT })),
    call.time,
  );
  const watcher =
    call.watch === undefined
      ? undefined
      : setInterval(() => void call.watch?.().then((found) => found !== undefined && stop(found)), WATCH_EVERY);
  const aborted = (): void => stop(call.signal?.reason);
  call.signal?.addEventListener('abort', aborted, { once: true });
  if (call.signal?.aborted === true) aborted();
  try {
    const code = await promise;
    if (failure !== undefined) throw failure;
    return {
      code,
      stdout: Buffer.concat(output),
      stderr: withoutSecrets(words.toString('utf8'), call.access?.secrets),
    };
  } finally {
    clearTimeout(late);
    clearInterval(watcher);
    call.signal?.removeEventListener('abort', aborted);
  }
}

const LIMIT_HINT = 'Name a smaller source (a path within it, no submodules), or try again when the server is faster.';

function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, '***');
  return redact(shown).trim();
}
