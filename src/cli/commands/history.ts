import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { rowLimit } from '../point-in-time.ts';

const HELP = `
Which digests a reference has had, newest first, and what changed in packages from one to the next.

Example:
  heraklit history registry.example.com/team/web:stable
`;

interface HistoryOptions {
  readonly format: OutputFormat;
  readonly limit: string;
  readonly after?: string;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<image>', 'reference, name in the fleet, or digest'))
    .option('--limit <n>', 'images at most', '20')
    .option('--after <cursor>', 'go on where a page ended (`next` in the JSON)')
    .addHelpText('after', HELP)
    .action((image: string, options: HistoryOptions) => run(image, options, context));
}

async function run(image: string, options: HistoryOptions, context: CliContext): Promise<void> {
  const page = { limit: rowLimit(options.limit), ...(options.after === undefined ? {} : { after: options.after }) };
  const history = await askFleet(context, (queries) => queries.history({ image, ...page }));
  const { renderHistory } = await import('../render/changes.ts');
  context.print(options.format === 'json' ? json(history) : renderHistory(history));
  if (history.next !== null) context.log.warn(`more images follow: add --after ${history.next}`);
}
