import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { renderQuarantine } from '../render/rollouts.ts';
import { OWNER, withRollouts } from '../rollouts.ts';

interface Options {
  readonly format: OutputFormat;
  readonly reason?: string;
}

const HELP = `
A digest that failed its tests, or was rolled back because of itself, is never offered again: no run releases it, no rollout
begins with it. Lifted, it may be rolled out by name (heraklit rollout --image …); the loop takes up what it failed with
heraklit run --retry-failed. The lift is an event (image.unquarantined) and stands in the audit log.

Examples:
  heraklit rollout quarantine list
  heraklit rollout quarantine lift sha256:4f1c… --reason 'the node was broken, not the image'
`;

/** `heraklit rollout quarantine list|lift`. */
export function registerQuarantine(command: Command, context: CliContext): void {
  const quarantine = addGlobalOptions(command.command('quarantine'))
    .description('digests that are not offered again')
    .enablePositionalOptions()
    .addHelpText('after', HELP);
  addFormat(addGlobalOptions(quarantine.command('list', { isDefault: true })))
    .description('what is quarantined since when, by whom and why')
    .action((options: Options) => list(options, context));
  addFormat(addGlobalOptions(quarantine.command('lift')))
    .description('let a digest be offered again')
    .argument('<digest>', 'as the list tells it; its beginning is enough where it names just one')
    .option('--reason <text>', 'kept in the event and the audit log')
    .action((digest: string, options: Options) => lift(digest, options, context));
}

async function list({ format }: Options, context: CliContext): Promise<void> {
  const found = await withRollouts(context, undefined, ({ rollouts }) => rollouts.quarantine());
  context.print(format === 'json' ? json(found) : renderQuarantine(found));
}

async function lift(named: string, { format, reason }: Options, context: CliContext): Promise<void> {
  const beginning = named.startsWith('sha256:') ? named : `sha256:${named}`;
  if (!/^sha256:[0-9a-f]{8,64}$/.test(beginning)) {
    throw cliError('CLI_USAGE', `lift takes a digest, or at least its first 8 digits, not ${JSON.stringify(named)}`);
  }
  const lifted = await withRollouts(context, undefined, async ({ rollouts }) => {
    const { quarantined } = await rollouts.quarantine();
    const fitting = quarantined.filter(({ digest }) => digest.startsWith(beginning));
    if (fitting.length > 1) {
      throw cliError('CLI_USAGE', `${fitting.length} quarantined digests begin with ${beginning}`, {
        hint: `Name one: ${fitting.map(({ digest }) => digest).join(', ')}`,
      });
    }
    return await rollouts.lift(fitting[0]?.digest ?? beginning, reason === undefined ? {} : { reason }, OWNER);
  });
  context.print(
    format === 'json' ? json(lifted) : lifted.quarantined.map(({ digest }) => `${digest}  may be offered again`).join(),
  );
}
