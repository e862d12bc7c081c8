import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { withMaintenance } from '../registry-maintenance.ts';
import { renderCollection } from '../render/collection.ts';

interface GcOptions {
  readonly grace: string;
  readonly dryRun?: boolean;
  readonly format: OutputFormat;
}

const GC_HELP = `
Deletes blobs that no manifest names and nothing else needs: not what runs, is released, is a base or the way back, and
not what was written or counted on within the grace. Pushes, pulls and builds go on meanwhile. Manifests and tags stay:
heraklit registry retention removes those.

Examples:
  heraklit registry gc --dry-run
  heraklit registry gc --grace 48 --format json
`;

export function register(command: Command, context: CliContext): void {
  addGlobalOptions(addFormat(command.command('gc')))
    .description('delete blobs that nothing needs')
    .option('--grace <hours>', 'how long blobs stay that nothing names; at least 2', '24')
    .option('--dry-run', 'say what would go, and delete nothing')
    .addHelpText('after', GC_HELP)
    .action((options: GcOptions) => gc(options, context));
}

async function gc(options: GcOptions, context: CliContext): Promise<void> {
  const grace = hours('--grace', options.grace);
  const dryRun = options.dryRun === true;
  const { progress, signal } = context;
  const answer = await withMaintenance(context, (maintenance) =>
    maintenance.collect({ grace: grace * 3_600, dryRun }, { progress, signal }),
  );
  context.print(options.format === 'json' ? json(answer) : renderCollection(answer));
}

function hours(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw cliError('CLI_USAGE', `${name} takes a number of hours, not ${JSON.stringify(text)}`);
}
