import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { rowLimit } from '../point-in-time.ts';

const HELP = `
The story of an image of the fleet, newest build first: what arrived, how it was made and why that way, why not the
others, which packages changed, what was tested, who signed, and where it runs. From the plans that were carried out, the
events that were announced, and what is attached to it in the registry (attest verify checks that). Above
it stands what the image stands on, and how that is known.

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
  const [explanation, { base }] = await askFleet(context, (queries) =>
    // Of one that was never built nothing stands on anything yet.
    Promise.all([queries.explain({ image, ...page }), queries.base(image).catch(() => ({ base: null }))]),
  );
  const [{ renderExplanation }, { baseLine }] = await Promise.all([
    import('../render/explanation.ts'),
    import('../render/base.ts'),
  ]);
  context.print(
    options.format === 'json'
      ? json({ ...explanation, base })
      : `${baseLine(base)}\n\n${renderExplanation(explanation)}`,
  );
  if (explanation.next !== null) context.log.warn(`more follows: add --after '${explanation.next}'`);
}
