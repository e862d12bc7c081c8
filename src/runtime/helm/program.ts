import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { type HelmVersion, parseVersion } from './upgrade.ts';

export interface HelmResult {
  /** Null where it was ended by a signal or never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bytes of one output; manifests of the largest charts have some megabytes. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Where the program is; undefined where it is not installed. */
export async function findHelm(path: string = process.env.PATH ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((one) => one !== '')) {
    const file = join(folder, 'helm');
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}

/**
 * Runs helm with words, never through a shell.
 * @param deadline milliseconds until it is ended; helm has a timeout of its own, which is to come first
 */
export async function runHelm(
  program: string,
  words: readonly string[],
  deadline: number,
  signal?: AbortSignal,
): Promise<HelmResult> {
  return await new Promise((resolve) => {
    // Releases were found in secrets, so they are there, whatever helm is told to look in.
    const env = { ...process.env, HELM_DRIVER: 'secret' };
    const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const texts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let size = 0;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (part: Buffer) => {
        size += part.length;
        if (size > MAX_OUTPUT) child.kill('SIGKILL');
        else texts[name].push(part);
      });
    }
    // SIGTERM: helm marks the release as failed before it ends.
    const stop = (): void => void child.kill('SIGTERM');
    // Spawn's own timer stays where the program cannot be started.
    const late = setTimeout(stop, deadline);
    signal?.addEventListener('abort', stop, { once: true });
    const end = (code: number | null, more = ''): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', stop);
      const stderr = Buffer.concat(texts.stderr).toString('utf8');
      resolve({ code, stdout: Buffer.concat(texts.stdout).toString('utf8'), stderr: `${stderr}${more}` });
    };
    child.once('error', (error) => end(null, messageOf(error)));
    child.once('close', (code) => end(code));
  });
}

/** Milliseconds. */
const QUICK = 30_000;

/** Undefined where it does not tell. */
export async function helmVersion(program: string): Promise<HelmVersion | undefined> {
  const { code, stdout } = await runHelm(program, ['version', '--short'], QUICK);
  return code === 0 ? parseVersion(stdout) : undefined;
}
