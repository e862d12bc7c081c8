import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';

/** util-linux: the kernel ends the child when we are killed (prctl(2), PR_SET_PDEATHSIG). */
const SETPRIV = '/usr/bin/setpriv';
/** Characters of what a program said that are kept. */
const SAID = 4000;

/** Command that ends with this process, where the system has the program for it. */
export async function dyingWithUs(
  command: readonly string[],
  signal: 'TERM' | 'KILL' = 'TERM',
): Promise<readonly string[]> {
  return (await stat(SETPRIV).catch(() => undefined)) === undefined
    ? command
    : [SETPRIV, '--pdeathsig', signal, '--', ...command];
}

export interface Running {
  readonly child: ChildProcess;
  /** Last words on standard error. */
  said(): string;
  /** Exit code or signal, or why it could not start; undefined while it runs. */
  ended(): string | undefined;
}

/** A program that runs until it is told to end, and keeps no process of ours alive. */
export function startProgram(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  stdin: 'ignore' | 'pipe',
): Running {
  const [program, ...rest] = argv as [string, ...string[]];
  const child = spawn(program, rest, { stdio: [stdin, 'pipe', 'pipe'], env: environment });
  let said = '';
  let ended: string | undefined;
  child.stderr?.on('data', (part: Buffer) => {
    said = (said + part.toString()).slice(-SAID);
  });
  child.stdin?.on('error', () => {});
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    ended ??= `it ended with ${code ?? signal}`;
  });
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr])
    (stream as unknown as { unref?(): void } | null)?.unref?.();
  return { child, said: () => said.trim(), ended: () => ended };
}

/** Runs a program to its end. Resolves whatever its exit code; `code` is -1 where it could not start or was cut off. */
export async function runProgram(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  timeout: number,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return await new Promise((resolve) => {
    const [program, ...rest] = argv as [string, ...string[]];
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
      timeout,
      killSignal: 'SIGKILL',
    });
    const parts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (part: Buffer) => {
        parts[name] = (parts[name] + part.toString()).slice(-SAID);
      });
    }
    child.once('error', (error) => resolve({ code: -1, stdout: '', stderr: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, ...parts }));
  });
}
