/** Runs heraklit as its users do: a child process, a home of its own, nothing of the developer's configuration. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/heraklit.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called once with the child, which may be signalled then or later. */
  readonly started?: (child: { kill(signal: NodeJS.Signals): void }) => void;
  /** Closes our end of stdout after its first bytes, as `| head -c1` does. */
  readonly closeEarly?: boolean;
}

export interface Cli {
  /** Folder of the test, removed after it. */
  readonly root: string;
  readonly home: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Fails when the home holds a blob that is not what its name says, or anything half-written. */
  checkHome(): Promise<void>;
}

function environment(home: string, more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HERAKLIT_'));
  return { ...Object.fromEntries(own), HERAKLIT_HOME: home, NO_COLOR: '1', ...more };
}

/** @param home default: a folder in the test's own */
export async function openCli(context: TestContext, home?: string): Promise<Cli> {
  const root = await mkdtemp(join(tmpdir(), 'heraklit-e2e-'));
  // Hooks run in their order, and one that throws ends them: a mount of a container that still runs would keep a server
  // that the test started alive, and with it the test.
  context.after(async () => {
    await rm(root, { recursive: true, force: true }).catch(() => {
      process.once('exit', () => spawnSync('rm', ['-rf', '--one-file-system', root]));
    });
  });
  const where = home ?? join(root, 'home');
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: root,
      env: environment(where, options.env ?? {}),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (options.closeEarly === true) child.stdout.destroy();
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    options.started?.({ kill: (signal) => void child.kill(signal) });
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ended) => resolve(ended));
    });
    return { code, signal, stdout, stderr };
  };
  return { root, home: where, run, checkHome: () => checkHome(where) };
}

/** Every file below a folder, relative, sorted; none where there is no such folder. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Hashes every blob of an OCI layout. */
export async function checkBlobs(layout: string): Promise<void> {
  for (const path of await filesBelow(join(layout, 'blobs'))) {
    const hash = createHash(path.split('/', 1)[0] ?? 'sha256').update(await readFile(join(layout, 'blobs', path)));
    assert.equal(hash.digest('hex'), basename(path), `${path} holds other bytes than its name says`);
  }
}

async function checkHome(home: string): Promise<void> {
  await checkBlobs(join(home, 'store'));
  const left = (await filesBelow(home)).filter(
    (path) => /(^|\/)scratch\//.test(path) || /\.(partial|tmp|part)$/.test(path),
  );
  assert.deepEqual(left, [], 'something half-written was left');
}

export interface Expected {
  readonly code: string;
  /** Default 3. */
  readonly exit?: number;
  /** What stderr must say beside the code. */
  readonly says?: readonly (string | RegExp)[];
}

/** One coded error with a hint on stderr, nothing on stdout, no stack trace. */
export function assertRefused(ended: Ended, { code, exit = 3, says = [] }: Expected): void {
  const { stderr } = ended;
  assert.equal(ended.signal, null, stderr);
  assert.match(stderr, new RegExp(`^ {2}code: ${code}$`, 'm'), stderr);
  assert.equal(ended.code, exit, stderr);
  assert.equal(ended.stdout, '', 'a failed command prints no data');
  assert.equal(stderr.match(/^error: /gm)?.length, 1, `one error: ${stderr}`);
  assert.match(stderr, /^ {2}hint: \S/m, stderr);
  assert.doesNotMatch(stderr, /^\s+at .*:\d+/m, 'no stack trace');
  for (const part of says) {
    if (typeof part === 'string') assert.ok(stderr.includes(part), `says ${JSON.stringify(part)}: ${stderr}`);
    else assert.match(stderr, part);
  }
}
