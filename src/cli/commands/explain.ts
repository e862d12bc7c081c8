import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { rowLimit } from '../point-in-time.ts';

const HELP = `
What was made of an image of the fleet, newest first: why (reason), how (strategy, with the ways that policy excluded),
which updates it missed, which advisories they fix, and which packages changed. From the plans that were carried out
and the updates that were announced.

Example:
  heraklit explain web
`;

interface ExplainOptions {
  readonly format: OutputFormat;
  readonly limit: string;
  readonly after?: string;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<image>', 'name in the fleet, reference, or digest'))
    .option('--limit <n>', 'builds at most', '5')
    .option('--after <cursor>', 'go on where a page ended (`next` in the JSON)')
    .addHelpText('after', HELP)
    .action((image: string, options: ExplainOptions) => run(image, options, context));
}

async function run(image: string, options: ExplainOptions, context: CliContext): Promise<void> {
  const page = { limit: rowLimit(options.limit), ...(options.after === undefined ? {} : { after: options.after }) };
  const explanation = await askFleet(context, (queries) => queries.explain({ image, ...page }));
  const { renderExplanation } = await import('../render/changes.ts');
  context.print(options.format === 'json' ? json(explanation) : renderExplanation(explanation));
  if (explanation.next !== null) context.log.warn(`more follows: add --after '${explanation.next}'`);
}
