import type { Command } from 'commander';
import type { Database } from '../database/index.ts';
import type { AccessLog, Operations, ServerMetrics } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

/** Options of `heraklit serve` for the people who run it. */
export interface ServeOperationsOptions {
  readonly accessLog?: string;
  readonly drain: string;
}

export const OPERATIONS_HELP = `
SIGTERM and SIGINT: /readyz says no, no new connection is taken, and what is being answered has --drain seconds to end;
uploads that do not are resumable. --access-log writes a line of JSON a request, without queries and credentials; SIGHUP
begins the file anew after it was rotated.
`;

const DEFAULT_DRAIN = 30;

export function addOperationsOptions(command: Command): Command {
  return command
    .option('--access-log <file>', 'a line of JSON for each request; - for standard error')
    .option('--drain <seconds>', 'that requests under way have to end after SIGTERM', String(DEFAULT_DRAIN));
}

/** @throws CLI_USAGE */
export function drainSeconds({ drain }: ServeOperationsOptions): number {
  const seconds = Number(drain);
  if (drain.trim() !== '' && Number.isFinite(seconds) && seconds >= 0 && seconds <= 86_400) return seconds;
  throw cliError('CLI_USAGE', `--drain takes a number of seconds, not ${JSON.stringify(drain)}`);
}

/** Opens the access log, which `resources` closes. */
export async function openOperations(
  { accessLog }: ServeOperationsOptions,
  database: Database,
  resources: AsyncDisposableStack,
): Promise<{ readonly accessLog?: AccessLog; readonly store: () => ReturnType<typeof measure> }> {
  const store = () => measure(database);
  if (accessLog === undefined) return { store };
  const { openAccessLog } = await import('../http/index.ts');
  const log = resources.adopt(await openAccessLog(accessLog), (open) => open.close());
  const reopen = (): void => log.reopen();
  process.on('SIGHUP', reopen);
  resources.defer(() => void process.off('SIGHUP', reopen));
  return { accessLog: log, store };
}

async function measure(database: Database) {
  const { measureRegistry } = await import('../registry/index.ts');
  return measureRegistry(database);
}

/** Lets what is under way end; the server is closed by whoever opened it, afterwards. */
export async function drainServer({ drain }: Operations, seconds: number, { log }: CliContext): Promise<void> {
  if (drain.inFlight() > 0) log.info(`waiting for ${drain.inFlight()} requests to end, ${seconds} s at most`);
  const left = await drain.drain(seconds * 1_000);
  if (left > 0) log.warn(`${left} requests did not end in time; uploads among them can be resumed`);
}

/** What looking after the registry tells the metrics. */
export type CollectionObserver = Pick<ServerMetrics, 'collected' | 'collectionFailed'>;
