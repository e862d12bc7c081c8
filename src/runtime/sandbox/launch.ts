import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { GroupEvent } from './control-group.ts';
import { LAUNCHER } from './launcher.ts';

export type Mode = 'hold' | 'mount' | 'record' | 'run' | 'xattrs';

/** What the launcher said on its report descriptor. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly number: number }
  | { readonly kind: 'limit'; readonly which: GroupEvent }
  | { readonly kind: 'setup'; readonly message: string }
  | { readonly kind: 'none' };

const PERL = '/usr/bin/perl';
const REPORT_LIMIT = 4096;

/** Starts the launcher with nothing of our environment; standard input, output, error and the report are pipes. */
export function launch(mode: Mode, parameters: readonly string[]): ChildProcess {
  return spawn(PERL, ['-e', LAUNCHER, process.arch, String(process.pid), mode, ...parameters], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    cwd: '/',
  });
}

export function parseReport(text: string): Report {
  const line = text.split('\n', 1)[0] ?? '';
  const match = /^(ready|exit|signal|limit|setup)(?: (.*))?$/s.exec(line);
  switch (match?.[1]) {
    case 'ready':
      return { kind: 'ready' };
    case 'exit':
      return { kind: 'exit', code: Number(match[2]) };
    case 'signal':
      return { kind: 'signal', number: Number(match[2]) };
    case 'limit':
      return { kind: 'limit', which: match[2] === 'memory' ? 'memory' : 'processes' };
    case 'setup':
      return { kind: 'setup', message: match[2] ?? '' };
    default:
      return { kind: 'none' };
  }
}

/** The first report line, or `none` when the launcher ended (or could not be started) without one. */
export async function firstReport(child: ChildProcess): Promise<Report> {
  const channel = child.stdio[3] as Readable;
  let text = '';
  const started = new Promise<void>((resolve) => child.once('error', () => resolve()));
  const read = async (): Promise<void> => {
    for await (const chunk of channel) {
      text += String(chunk);
      if (text.includes('\n') || text.length > REPORT_LIMIT) return;
    }
  };
  await Promise.race([read().catch(() => undefined), started]);
  return parseReport(text);
}

/** Runs a mode that prints data and ends by itself. */
export async function launchAndCollect(
  mode: Mode,
  parameters: readonly string[],
  input: Uint8Array = new Uint8Array(),
): Promise<{ readonly report: Report; readonly output: Buffer; readonly errors: string }> {
  const child = launch(mode, parameters);
  child.on('error', () => undefined);
  // It may end without reading its input.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const output: Buffer[] = [];
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const closed = once(child, 'close').catch(() => undefined);
  const report = await firstReport(child);
  await closed;
  return { report, output: Buffer.concat(output), errors };
}
