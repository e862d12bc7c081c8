import type { Command } from 'commander';
import type { Place } from '../../http/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { openFleetAccess } from '../fleet-access.ts';
import { addFormat, json } from '../format-option.ts';
import type { WhereLine } from '../render/where.ts';

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
  const access = await openFleetAccess(context);
  const print = (rows: readonly WhereLine[], next: string | undefined): void => {
    if (options.format === 'json') context.print(json({ packages: groupWhere(rows), next: next ?? null }));
    else context.print(rows.length === 0 ? `No image in the inventory has ${name}.` : renderWhere(rows));
    if (next !== undefined) context.log.warn(`more rows follow: add --after ${next}`);
  };
  if (access.kind === 'server') {
    const { places } = await access.server.where({
      package: name,
      ...(options.version === undefined ? {} : { version: options.version }),
      ...(options.image === undefined ? {} : { image: options.image }),
    });
    print(places.slice(0, limit).map(lineOfPlace), undefined);
    return;
  }
  try {
    const page = await whereIs(access.database.kysely, {
      package: name,
      limit,
      ...(options.version === undefined ? {} : { versionRange: options.version }),
      ...(options.image === undefined ? {} : { imageGlob: options.image }),
      ...(options.after === undefined ? {} : { after: options.after }),
    });
    const used = page.rows.filter((row) => row.reference !== undefined || row.workloads.length > 0);
    print(options.superseded === true ? page.rows : used, page.next);
  } finally {
    await access.database.close();
  }
}

const lineOfPlace = (place: Place): WhereLine => ({
  package: place.package,
  version: place.version,
  arch: place.arch,
  reference: place.reference,
  digest: place.digest ?? '',
  layer: place.layer ?? undefined,
  workloads: place.workloads,
});
