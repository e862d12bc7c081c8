import { once } from 'node:events';
import { mkdtemp, statfs, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { type ControlGroup, type GroupEvent, openControlGroup } from './control-group.ts';
import { sandboxError } from './errors.ts';
import { firstReport, launch, type Report } from './launch.ts';
import { filterFor } from './seccomp/index.ts';
import type { RunLimits, RunOptions, RunResult } from './types.ts';

export const DEFAULT_LIMITS: RunLimits = {
  timeout: 300_000,
  output: 16 * 1024 * 1024,
  processes: 2048,
  memory: Math.min(12 * 1024 ** 3, Math.floor(totalmem() * 0.9)),
  fileSize: 4 * 1024 ** 3,
};

/** All a command sees; anything else it needs is given to `run`. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
};

type Ending = 'timeout' | 'output' | 'aborted' | GroupEvent;

/** Milliseconds between looks at what the control group refused. */
const LOOK_MS = 200;
/** Bytes left below which a failed command failed for want of space. */
const NO_SPACE = 256 * 1024;

/** The namespaces that a command enters. */
export interface Inside {
  /** Process that holds them. */
  readonly holder: number;
  /** The memory file system with the mounted root. */
  readonly directory: string;
  /** What is read is noted. */
  readonly recorded: boolean;
}

/** One command in the holder's namespaces. */
export async function runInside(inside: Inside, argv: readonly string[], options: RunOptions): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const group = openControlGroup(limits);
  const standIns = await writeStandIns(`/proc/${inside.holder}/root${inside.directory}`, options.standIns);
  try {
    return await runWithin(group, standIns, inside, argv, { ...options, limits });
  } finally {
    await group?.remove();
  }
}

/** @returns the folder's name in the sandbox's memory, which goes with it; empty where nothing stands in */
async function writeStandIns(memory: string, standIns: RunOptions['standIns']): Promise<string> {
  if (standIns === undefined || standIns.size === 0) return '';
  const folder = await mkdtemp(`${memory}/stand-ins-`);
  for (const [path, content] of standIns) await writeFile(`${folder}/${path.replaceAll('/', '%')}`, content, 'latin1');
  return basename(folder);
}

async function runWithin(
  group: ControlGroup | undefined,
  standIns: string,
  { holder, directory, recorded }: Inside,
  argv: readonly string[],
  options: RunOptions & { readonly limits: RunLimits },
): Promise<RunResult> {
  const { limits } = options;
  const environment = Object.entries({ ...ENVIRONMENT, ...options.environment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const seconds = Math.ceil(limits.timeout / 1000) + 1;
  const child = launch('run', [
    ...[String(holder), directory, group?.folders.join(',') ?? '', standIns, options.cwd ?? '/'],
    ...(['processes', 'memory'] as const).map((what) => (group?.bounds(what) === true ? '0' : String(limits[what]))),
    ...[String(seconds), String(limits.fileSize), filterFor(process.arch, recorded)],
    ...environment,
    '--',
    ...argv,
  ]);
  let ending: Ending | undefined;
  const end = (why: Ending): void => {
    ending ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end('timeout'), limits.timeout);
  const look = (): void => {
    const event = group?.event();
    if (event !== undefined) end(event);
  };
  const looks = group === undefined ? undefined : setInterval(look, LOOK_MS);
  const abort = (): void => end('aborted');
  options.signal?.addEventListener('abort', abort);
  try {
    let bytes = 0;
    const collect = (stream: Readable | null): Buffer[] => {
      const chunks: Buffer[] = [];
      stream?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > limits.output) end('output');
        else chunks.push(chunk);
      });
      return chunks;
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    // A command may end without reading its input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(typeof options.stdin === 'function' ? options.stdin() : (options.stdin ?? ''));
    const closed = once(child, 'close').catch(() => undefined);
    const report = await firstReport(child);
    await closed;
    look();
    if (report.kind === 'limit') ending ??= report.which;
    if (ending !== undefined) throw ended(ending, argv, limits, options.signal);
    const result = resultOf(report, argv);
    if (result.code !== 0) await checkSpace(`/proc/${holder}/root${directory}`, argv);
    return { ...result, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  } finally {
    clearTimeout(timer);
    clearInterval(looks);
    options.signal?.removeEventListener('abort', abort);
  }
}

function resultOf(report: Report, argv: readonly string[]): { code: number; signal: number | undefined } {
  switch (report.kind) {
    case 'exit':
      return { code: report.code, signal: undefined };
    case 'signal':
      return { code: 128 + report.number, signal: report.number };
    case 'setup':
      throw sandboxError('SANDBOX_FAILED', `cannot run ${argv[0]} in a sandbox: ${report.message}`, {
        hint: 'The image lacks what a command needs to run in it, or was made to do harm; nothing of it ran.',
      });
    default:
      throw sandboxError('SANDBOX_FAILED', `the sandbox ended before it said how ${argv[0]} ended`, {
        hint: 'It may have been killed for want of memory.',
      });
  }
}

/** @throws SANDBOX_SPACE_LIMIT */
async function checkSpace(memory: string, argv: readonly string[]): Promise<void> {
  const { bavail, bsize } = await statfs(memory);
  if (bavail * bsize >= NO_SPACE) return;
  throw sandboxError('SANDBOX_SPACE_LIMIT', `${argv[0]} filled the sandbox's file system and failed`, {
    hint: 'The image is larger than a sandbox holds, or was made to do harm.',
  });
}

function ended(why: Ending, argv: readonly string[], limits: RunLimits, signal: AbortSignal | undefined): unknown {
  if (why === 'aborted') return signal?.reason;
  if (why === 'timeout') {
    return sandboxError('SANDBOX_TIMEOUT', `${argv[0]} ran longer than ${limits.timeout} ms in the sandbox`);
  }
  if (why === 'memory') {
    return sandboxError(
      'SANDBOX_MEMORY_LIMIT',
      `${argv[0]} took more than ${limits.memory} bytes of memory in the sandbox`,
    );
  }
  if (why === 'processes') {
    return sandboxError(
      'SANDBOX_PROCESS_LIMIT',
      `${argv[0]} started more than ${limits.processes} processes in the sandbox`,
    );
  }
  return sandboxError('SANDBOX_OUTPUT_LIMIT', `${argv[0]} printed more than ${limits.output} bytes in the sandbox`);
}
