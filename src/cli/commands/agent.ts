import { setTimeout as wait } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { messageOf } from '../../base/index.ts';
import { openReporter, type ReportOptions } from '../agent-reports.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';

const HELP = `
Reads /proc of this machine: which files the processes of containers (podman, docker, containerd, CRI-O) run, of which
packages they are, and whether a restart is due because such a file was deleted or replaced since. Changes nothing.
LOADED is the version that runs; ? where the file was replaced and neither the image nor --watch knows what it was.

Processes of other users take root (CAP_SYS_PTRACE) to read; those that could not be read are counted.

--report tells a heraklit server (POST /api/v1/hosts/report), whose findings then say what is loaded now, where, and
which containers need a restart. It takes the secret of an account with the role report, in --token-file or
$HERAKLIT_TOKEN. What cannot be delivered waits in the home and is sent with the next reports. A host that stops
reporting is forgotten: what it said counts for three times --watch (300 s at least), of a single look for a day.

--reported shows what hosts told the server of this home.

Examples:
  heraklit agent
  heraklit agent --format json --watch 60
  heraklit agent --fail-on restart
  heraklit agent --watch 60 --report https://heraklit.example.org --token-file /etc/heraklit/token
  heraklit agent --reported
`;

interface AgentOptions extends ReportOptions {
  readonly format: OutputFormat;
  readonly watch?: string;
  readonly failOn?: 'restart';
  readonly reported?: boolean;
}

const MAX_SECONDS = 86_400;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .option('--watch <seconds>', 'look again and again; JSON is one line each time')
    .addOption(new Option('--fail-on <what>', 'exit with 1 when a restart is due').choices(['restart']))
    .option('--report <url>', 'tell a heraklit server what was seen')
    .option('--token-file <file>', 'secret for it (default: $HERAKLIT_TOKEN)')
    .option('--host <name>', 'what this host is called there (default: its host name)')
    .option('--host-id <id>', 'what it is known by (default: from its machine id and name)')
    .option('--valid <seconds>', 'how long a report counts where no other follows')
    .option('--insecure', 'send the secret over plain HTTP, too')
    .option('--reported', 'instead: hosts that report, and what their containers run')
    .addHelpText('after', HELP)
    .action((options: AgentOptions) => run(options, context));
}

const HOST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Seconds between two looks; undefined: one look. @throws CLI_USAGE */
function secondsOf(options: AgentOptions): number | undefined {
  if (options.hostId !== undefined && !HOST_ID.test(options.hostId)) {
    throw cliError('CLI_USAGE', `--host-id takes letters, digits and . _ : -, not ${JSON.stringify(options.hostId)}`);
  }
  const seconds = options.watch === undefined ? undefined : Number(options.watch);
  if (seconds !== undefined && !(seconds >= 1 && seconds <= MAX_SECONDS)) {
    throw cliError('CLI_USAGE', `--watch takes 1 to ${MAX_SECONDS} seconds, not ${JSON.stringify(options.watch)}`);
  }
  return seconds;
}

async function run(options: AgentOptions, context: CliContext): Promise<void> {
  if (options.reported === true) return showReported(options, context);
  const seconds = secondsOf(options);
  const { observeContainers } = await import('../../agent/index.ts');
  const { renderObservation } = await import('../render/agent.ts');
  const { report } = options;
  const reporter = report === undefined ? undefined : await openReporter({ ...options, report }, seconds, context);
  const memory = new Map<string, string>();
  for (;;) {
    const seen = await observeContainers({ now: new Date(), memory, signal: context.signal });
    const document = seconds === undefined ? json(seen) : JSON.stringify(seen);
    if (options.format === 'json') context.print(document);
    else if (reporter === undefined) context.print(renderObservation(seen));
    const told = await reporter?.tell(seen);
    if (told !== undefined) context.log.info(told);
    if (options.failOn === 'restart' && seen.containers.some(({ restartDue }) => restartDue)) {
      context.foundOverThreshold();
    }
    if (seconds === undefined) {
      if (reporter?.failure !== undefined) throw await unsent(reporter.failure, report as string);
      return;
    }
    await wait(seconds * 1000, undefined, { signal: context.signal });
  }
}

async function unsent(cause: unknown, url: string): Promise<Error> {
  const { agentError } = await import('../../agent/index.ts');
  return agentError('AGENT_REPORT_UNSENT', `${url} did not get the report: ${messageOf(cause)}`, {
    cause,
    hint: 'It is kept, and sent with the next one.',
  });
}

async function showReported({ format }: AgentOptions, context: CliContext): Promise<void> {
  const { askHosts } = await import('../fleet-queries.ts');
  const { renderHosts } = await import('../render/agent.ts');
  const hosts = await askHosts(context);
  context.print(format === 'json' ? json({ hosts }) : renderHosts(hosts));
}
