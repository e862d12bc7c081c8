import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync } from 'node:fs';
import { chmod, mkdir, realpath } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { silentLog } from '../../base/index.ts';
import { type Attributes, parseAttributes, readUpper } from './changes.ts';
import { sandboxError } from './errors.ts';
import { firstReport, launch, launchAndCollect, type Report } from './launch.ts';
import { type Before, clockTick, listTree, observe } from './recording.ts';
import { runInside } from './run.ts';
import type { Change, Recording, RunOptions, RunResult, Sandbox, SandboxOptions } from './types.ts';
import { namespaceTrouble, ownNamespace } from './user-namespace.ts';

const DEFAULT_SIZE = 8 * 1024 ** 3;
const LOWER_NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;
/** `:` and `,` separate overlayfs options and `\` escapes them; no path of ours needs them. */
const HOST_PATH = /^\/[^:,\\]*$/;
/** Folders every command finds, whatever the image holds: mount points of the sandbox. */
const SKELETON = 'skeleton';
const MOUNT_POINTS = ['dev', 'proc', 'sys', 'tmp', 'run'];

/**
 * Opens a sandbox: private mount, network, IPC and host-name namespaces with a memory file system, held by one process.
 * When that process or ours ends, by any signal, the kernel takes everything away; there is nothing to clean.
 *
 * @throws SANDBOX_UNAVAILABLE when neither root nor root of a user namespace, without perl, or when the kernel or a container refuses
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const log = options.log ?? silentLog;
  const mountPoint = await realpath(options.mountPoint);
  const holder = launch('hold', [mountPoint, String(options.size ?? DEFAULT_SIZE)]);
  holder.on('error', () => undefined);
  holder.stdin?.on('error', () => undefined);
  const report = await firstReport(holder);
  const process = holder.pid;
  if (report.kind !== 'ready' || process === undefined) {
    holder.kill('SIGKILL');
    throw unavailable(report);
  }
  // A caller that forgets `close` must still be able to end; the holder ends with it.
  holder.unref();
  for (const stream of holder.stdio) (stream as Socket | null)?.unref?.();
  const memory = `/proc/${process}/root${mountPoint}`;
  for (const name of ['root', 'upper', 'work', SKELETON]) await mkdir(`${memory}/${name}`);
  for (const name of MOUNT_POINTS) await mkdir(`${memory}/${SKELETON}/${name}`);
  // The upper folder's own mode is the mode of `/` inside.
  for (const name of ['upper', SKELETON]) await chmod(`${memory}/${name}`, 0o755);
  const namespace = ownNamespace();
  log.debug('sandbox opened', {
    process,
    engine: 'namespaces',
    user: namespace === undefined ? 'root' : `user namespace of ${namespace.ids} ids`,
  });
  return new HeldSandbox(holder, process, mountPoint, memory, options.size ?? DEFAULT_SIZE);
}

function unavailable(report: Report): Error {
  const said = report.kind === 'setup' ? report.message : 'perl did not start';
  const trouble = namespaceTrouble();
  const why = trouble === undefined ? said : `${said} (${trouble})`;
  return sandboxError('SANDBOX_UNAVAILABLE', `no sandbox for maintainer scripts: ${why}`, {
    hint: 'It needs root, or user namespaces and a range of ids in /etc/subuid and /etc/subgid; /usr/bin/perl; overlayfs. `scripts: none` in the recipe needs none of them.',
  });
}

class HeldSandbox implements Sandbox {
  readonly upper: string;
  readonly root: string;
  readonly #holder: ChildProcess;
  readonly #process: number;
  readonly #mountPoint: string;
  readonly #memory: string;
  readonly #size: number;
  #before: Before | undefined;
  #recorded = false;

  constructor(holder: ChildProcess, process: number, mountPoint: string, memory: string, size: number) {
    this.#holder = holder;
    this.#process = process;
    this.#mountPoint = mountPoint;
    this.#memory = memory;
    this.#size = size;
    this.upper = `${memory}/upper`;
    this.root = `${memory}/root`;
  }

  async directory(name: string): Promise<string> {
    if (!LOWER_NAME.test(name)) throw sandboxError('SANDBOX_FAILED', `not a folder name: ${JSON.stringify(name)}`);
    const path = `${this.#memory}/lower-${name}`;
    await mkdir(path, { recursive: true });
    return path;
  }

  async mount(lower: readonly string[]): Promise<void> {
    const folders = lower.map((name) => {
      if (LOWER_NAME.test(name)) return `lower-${name}`;
      if (HOST_PATH.test(name)) return name;
      throw sandboxError('SANDBOX_FAILED', `cannot mount ${JSON.stringify(name)}: not a folder name or plain path`);
    });
    const { report } = await launchAndCollect('mount', [
      String(this.#process),
      this.#mountPoint,
      [...folders, SKELETON].join(':'),
    ]);
    if (report.kind !== 'ready') throw unavailable(report);
  }

  async recordedRoot(): Promise<string> {
    const { report } = await launchAndCollect('record', [String(this.#process), this.#mountPoint, String(this.#size)]);
    if (report.kind !== 'ready') throw unavailable(report);
    this.#recorded = true;
    return `${this.#memory}/quiet`;
  }

  async record(): Promise<() => void> {
    const root = `${this.#memory}/quiet`;
    for (const name of MOUNT_POINTS) {
      if (lstatSync(`${root}/${name}`, { throwIfNoEntry: false }) === undefined) await mkdir(`${root}/${name}`);
    }
    const clock = await clockTick(`${this.#memory}/clock`);
    return () => {
      this.#before = { clock, paths: listTree(root) };
    };
  }

  async recorded(): Promise<Recording> {
    const before = this.#before;
    if (before === undefined) throw sandboxError('SANDBOX_FAILED', 'nothing was recorded: `record` comes first');
    const root = `${this.#memory}/quiet`;
    const observed = await observe(root, before, (paths) => this.#attributes('root', paths));
    const queries = readFileSync(`${this.#memory}/queries`, 'latin1').split('\n').slice(0, -1);
    return { ...observed, root, before: before.paths, queries };
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const inside = { holder: this.#process, directory: this.#mountPoint, recorded: this.#recorded };
    return runInside(inside, argv, options);
  }

  async *changes(): AsyncIterable<Change> {
    yield* readUpper(this.upper, await this.#attributes('upper'), ownNamespace() !== undefined);
  }

  /** Of some paths (bytes, NUL after each), or of everything. */
  async #attributes(folder: 'root' | 'upper', paths?: Buffer): Promise<Attributes> {
    const { report, output } = await launchAndCollect(
      'xattrs',
      [String(this.#process), this.#mountPoint, folder],
      paths,
    );
    if (report.kind !== 'ready') throw sandboxError('SANDBOX_FAILED', 'cannot read what commands changed');
    return parseAttributes(output);
  }

  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.ref();
    this.#holder.kill('SIGKILL');
    await ended;
  }
}
