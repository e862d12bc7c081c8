import { setTimeout as wait } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';

const HELP = `
Reads /proc of this machine: which files the processes of containers (podman, docker, containerd, CRI-O) run, of which
packages they are, and whether a restart is due because such a file was deleted or replaced since. Changes nothing.
LOADED is the version that runs; ? where the file was replaced and neither the image nor --watch knows what it was.

Processes of other users take root (CAP_SYS_PTRACE) to read; those that could not be read are counted.

Examples:
  heraklit agent
  heraklit agent --format json --watch 60
  heraklit agent --fail-on restart
`;

interface AgentOptions {
  readonly format: OutputFormat;
  readonly watch?: string;
  readonly failOn?: 'restart';
}

const MAX_SECONDS = 86_400;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .option('--watch <seconds>', 'look again and again; JSON is one line each time')
    .addOption(new Option('--fail-on <what>', 'exit with 1 when a restart is due').choices(['restart']))
    .addHelpText('after', HELP)
    .action((options: AgentOptions) => run(options, context));
}

async function run(options: AgentOptions, context: CliContext): Promise<void> {
  const seconds = options.watch === undefined ? undefined : Number(options.watch);
  if (seconds !== undefined && !(seconds >= 1 && seconds <= MAX_SECONDS)) {
    throw cliError('CLI_USAGE', `--watch takes 1 to ${MAX_SECONDS} seconds, not ${JSON.stringify(options.watch)}`);
  }
  const { observeContainers } = await import('../../agent/index.ts');
  const { renderObservation } = await import('../render/agent.ts');
  const memory = new Map<string, string>();
  for (;;) {
    const seen = await observeContainers({ now: new Date(), memory, signal: context.signal });
    const document = seconds === undefined ? json(seen) : JSON.stringify(seen);
    context.print(options.format === 'json' ? document : renderObservation(seen));
    if (options.failOn === 'restart' && seen.containers.some(({ restartDue }) => restartDue)) {
      context.foundOverThreshold();
    }
    if (seconds === undefined) return;
    await wait(seconds * 1000, undefined, { signal: context.signal });
  }
}
