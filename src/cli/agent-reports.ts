import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Observation } from '../agent/index.ts';
import { messageOf } from '../base/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

export interface ReportOptions {
  readonly report?: string;
  readonly tokenFile?: string;
  readonly host?: string;
  readonly hostId?: string;
  readonly insecure?: boolean;
  readonly valid?: string;
}

/** Seconds that a report counts: of one look, a day; of many, three times what lies between them. */
const ONCE = 86_400;
const LEAST = 300;
const LONGEST = 7 * 86_400;
/** Milliseconds between two attempts while the server is away. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 300_000;

/** Tells a server what was seen. */
export interface Reporter {
  /** Keeps it, then delivers what waits. @returns a line for people; undefined where nothing could be delivered */
  tell(seen: Observation): Promise<string | undefined>;
  /** Why something waits still. */
  readonly failure: unknown;
}

/** @throws CLI_USAGE, AGENT_TOKEN_UNREADABLE */
export async function openReporter(
  options: ReportOptions & { readonly report: string },
  every: number | undefined,
  context: CliContext,
): Promise<Reporter> {
  const { agentError, deliver, hostIdentity, ReportQueue, reportOf } = await import('../agent/index.ts');
  const { createRemoteHosts } = await import('../http/index.ts');
  const url = serverUrl(options);
  const validFor = secondsValid(options.valid, every);
  const folder = join(context.home.root, 'agent');
  const identity = await hostIdentity(folder, options.host === undefined ? {} : { name: options.host });
  const host = options.hostId === undefined ? identity : { ...identity, id: options.hostId };
  const queue = new ReportQueue(join(folder, 'reports'));
  // Read each time: secrets are replaced while agents run.
  const token = async (): Promise<string | undefined> => {
    const { tokenFile } = options;
    if (tokenFile === undefined) return process.env.HERAKLIT_TOKEN || undefined;
    const text = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
      throw agentError('AGENT_TOKEN_UNREADABLE', `--token-file ${tokenFile}: ${messageOf(error)}`, { cause: error });
    });
    if (text.trim() === '') throw agentError('AGENT_TOKEN_UNREADABLE', `--token-file ${tokenFile} is empty`);
    return text.trim();
  };
  refusePlain(url, options, (await token()) !== undefined);
  let failures = 0;
  let next = 0;
  let failure: unknown;
  return {
    get failure() {
      return failure;
    },
    async tell(seen) {
      const dropped = await queue.put(reportOf(seen, host, validFor), Date.now());
      if (dropped > 0)
        context.log.warn(`${dropped} reports were never delivered and had to go: ${url} is away too long`);
      if (Date.now() < next) return undefined;
      const delivered = await deliverAll().catch((error: unknown) => ({ sent: 0, last: undefined, failure: error }));
      context.signal.throwIfAborted();
      failure = delivered.failure;
      if (failure !== undefined) {
        if (failures === 0) context.log.warn(`reports wait: ${messageOf(failure)}`);
        const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
        next = Date.now() + wait / 2 + Math.random() * (wait / 2);
        failures = Math.min(failures + 1, 20);
        return undefined;
      }
      if (failures > 0) context.log.info(`${url} is back; ${delivered.sent} reports were delivered`);
      failures = 0;
      next = 0;
      const { containers = 0, known = 0 } = delivered.last ?? {};
      return `reported ${containers} containers to ${url}; the inventory has the images of ${known}`;
    },
  };

  async function deliverAll() {
    const remote = createRemoteHosts(url, await token(), context.signal);
    return deliver(queue, (report) => remote.report(report), {
      now: () => new Date(),
      warn: (message) => context.log.warn(message),
    });
  }
}

function serverUrl({ report }: { readonly report: string }): string {
  const url = URL.canParse(report) ? new URL(report) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '') {
    throw cliError('CLI_USAGE', `--report takes the URL of a heraklit server, not ${JSON.stringify(report)}`, {
      hint: 'https://heraklit.example.org; the secret goes into --token-file or $HERAKLIT_TOKEN.',
    });
  }
  return url.href.replace(/\/+$/, '');
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

function refusePlain(url: string, { insecure }: ReportOptions, hasToken: boolean): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || insecure === true || !hasToken || LOOPBACK.test(hostname)) return;
  throw cliError('CLI_USAGE', `${url} would get the secret in clear text`, {
    hint: 'Report to https://, or say --insecure where the way there is safe.',
  });
}

function secondsValid(given: string | undefined, every: number | undefined): number {
  if (given === undefined) return every === undefined ? ONCE : Math.max(LEAST, Math.ceil(every * 3));
  const seconds = Number(given);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= LONGEST) return seconds;
  throw cliError('CLI_USAGE', `--valid takes 1 to ${LONGEST} seconds, not ${JSON.stringify(given)}`);
}
