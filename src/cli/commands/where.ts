import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { openHomeDatabase } from '../open-database.ts';

const HELP = `
Answers from the inventory: images that heraklit built, watches, or that \`scan --record\` put there. Versions compare
as the package format itself orders them.

Examples:
  heraklit where libssl3t64
  heraklit where libssl3t64 --version '<3.5.1-1+deb13u1' --image 'registry.example.com/team/*'
`;

interface WhereOptions {
  readonly version?: string;
  readonly image?: string;
  readonly superseded?: boolean;
  readonly limit: string;
  readonly after?: string;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<package>', 'binary package name'))
    .option('--version <range>', "'<1.2', '>=1 <2', '1.2-3' (exactly)")
    .option('--image <glob>', 'only images whose reference matches; * matches any text, ? one character')
    .option('--superseded', 'also images that nothing names or runs any more')
    .option('--limit <n>', 'rows at most', '1000')
    .option('--after <cursor>', 'go on where a page ended (`next` in the JSON)')
    .addHelpText('after', HELP)
    .action((name: string, options: WhereOptions) => run(name, options, context));
}

async function run(name: string, options: WhereOptions, context: CliContext): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw cliError('CLI_USAGE', `--limit takes a whole number above 0, not ${JSON.stringify(options.limit)}`);
  }
  const { parseVersionRange } = await import('../../inventory/index.ts');
  // Wrong use is told before a database is opened.
  if (options.version !== undefined) parseVersionRange(options.version);
  const [{ whereIs }, { groupWhere, renderWhere }] = await Promise.all([
    import('../../inventory/store/index.ts'),
    import('../render/where.ts'),
  ]);
  const database = await openHomeDatabase(context);
  try {
    const page = await whereIs(database.kysely, {
      package: name,
      limit,
      ...(options.version === undefined ? {} : { versionRange: options.version }),
      ...(options.image === undefined ? {} : { imageGlob: options.image }),
      ...(options.after === undefined ? {} : { after: options.after }),
    });
    const used = page.rows.filter((row) => row.reference !== undefined || row.workloads.length > 0);
    const rows = options.superseded === true ? page.rows : used;
    if (options.format === 'json') {
      context.print(json({ packages: groupWhere(rows), next: page.next ?? null }));
      return;
    }
    context.print(rows.length === 0 ? `No image in the inventory has ${name}.` : renderWhere(rows));
    if (page.next !== undefined) context.log.warn(`more rows follow: add --after ${page.next}`);
  } finally {
    await database.close();
  }
}
