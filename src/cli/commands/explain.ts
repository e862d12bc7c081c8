import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { rowLimit } from '../point-in-time.ts';

const HELP = `
The story of an image of the fleet, newest build first: what arrived, how it was made and why that way, why not the
others, which packages changed, what was tested, who signed, and where it runs. From the plans that were carried out, the
events that were announced, and what is attached to it in the registry (attest verify checks that).

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
  const { renderExplanation } = await import('../render/explanation.ts');
  context.print(options.format === 'json' ? json(explanation) : renderExplanation(explanation));
  if (explanation.next !== null) context.log.warn(`more follows: add --after '${explanation.next}'`);
}
