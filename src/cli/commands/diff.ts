import type { Command } from 'commander';
import { contentDifference } from '../content-difference.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { readContents } from '../image-contents.ts';
import { pointInTime, rowLimit } from '../point-in-time.ts';

const HELP = `
Packages, config and files that differ; + only in the second, - only in the first, ~ changed. Files are compared by
content, owner, mode, links and attributes; a newer time alone is no difference.
With --exit-code: 1 when they differ.

--content compares what whoever runs them can tell: times, the order of dpkg's database, caches, logs and who built them
aside. It is how a rebuilt image is found to be unchanged (docs/content.md).

--fleet compares what the inventory's references meant at two times, package by package, the changes of most images
first; with --images the references that moved.

Examples:
  heraklit diff oci:layout:web-1 oci:layout:web-2
  heraklit diff --content registry.example.com/shop/web:1 registry.example.com/shop/web:2
  heraklit diff --fleet --from 2026-03-01 --to 2026-03-08
  heraklit diff --fleet --from 7d --images
`;

interface DiffCommandOptions {
  readonly format: OutputFormat;
  readonly platform?: string;
  readonly limit: string;
  readonly exitCode?: boolean;
  readonly content?: boolean;
  readonly fleet?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly image?: string;
  readonly images?: boolean;
  readonly after?: string;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('[ref]', 'first image').argument('[ref2]', 'second image'))
    .option('--limit <n>', 'paths listed per kind of change; rows with --fleet', '1000')
    .option('--content', 'paths and config, leaving aside what two builds of the same content differ in')
    .option('--fleet', 'the fleet at two times instead of two images')
    .option('--from <time>', 'with --fleet: 2026-03-01, or an age (7d)')
    .option('--to <time>', 'with --fleet (default: now)')
    .option('--image <glob>', 'with --fleet: only references that match')
    .option('--images', 'with --fleet: the references that moved')
    .option('--after <cursor>', 'with --fleet: go on where a page ended')
    .option('--exit-code', 'exit with 1 when the images differ')
    .option('--platform <os/arch>', 'images of multi-platform indexes to read (default: this machine’s)')
    .addHelpText('after', HELP)
    .action((before: string | undefined, after: string | undefined, options: DiffCommandOptions) =>
      options.fleet === true ? runFleet(before, options, context) : run(before, after, options, context),
    );
}

async function runFleet(extra: string | undefined, options: DiffCommandOptions, context: CliContext): Promise<void> {
  if (extra !== undefined) throw cliError('CLI_USAGE', '--fleet takes no references', { hint: 'Use --image GLOB.' });
  if (options.from === undefined) throw cliError('CLI_USAGE', '--fleet needs --from');
  const query = {
    from: pointInTime('--from', options.from),
    to: options.to === undefined ? new Date().toISOString() : pointInTime('--to', options.to),
    limit: rowLimit(options.limit),
    ...(options.image === undefined ? {} : { image: options.image }),
    ...(options.after === undefined ? {} : { after: options.after }),
  };
  const { renderFleetChanges, renderMoved } = await import('../render/changes.ts');
  const print = (answer: { readonly next: string | null }, table: string, differs: boolean): void => {
    context.print(options.format === 'json' ? json(answer) : table);
    if (answer.next !== null) context.log.warn(`more rows follow: add --after ${answer.next}`);
    if (options.exitCode === true && differs) context.foundOverThreshold();
  };
  if (options.images === true) {
    const moved = await askFleet(context, (queries) => queries.moved(query));
    print(moved, renderMoved(moved), moved.references.length > 0);
    return;
  }
  const changes = await askFleet(context, (queries) => queries.changes(query));
  const { added, removed, changed } = changes.references;
  print(changes, renderFleetChanges(changes), added + removed + changed > 0);
}

async function run(
  before: string | undefined,
  after: string | undefined,
  options: DiffCommandOptions,
  context: CliContext,
): Promise<void> {
  if (before === undefined || after === undefined) {
    throw cliError('CLI_USAGE', 'two images are compared, or the fleet with --fleet');
  }
  const maxPaths = Number(options.limit);
  if (!Number.isSafeInteger(maxPaths) || maxPaths < 0) {
    throw cliError('CLI_USAGE', `--limit takes a whole number, not ${JSON.stringify(options.limit)}`);
  }
  if (options.content === true) {
    const content = await contentDifference(before, after, context, options.platform);
    const { renderContentDifference } = await import('../render/content.ts');
    const view = renderContentDifference(content, maxPaths);
    context.print(options.format === 'json' ? json({ from: before, to: after, ...content }) : view);
    if (options.exitCode === true && !content.identical) context.foundOverThreshold();
    return;
  }
  const [{ diffImages }, { renderDiff }] = await Promise.all([
    import('../../inventory/index.ts'),
    import('../render/diff.ts'),
  ]);
  const read = (reference: string) => readContents(reference, context, { ...options, hashFiles: true });
  const first = await read(before);
  const diff = diffImages(first, await read(after), { maxPaths });
  context.print(options.format === 'json' ? json({ from: before, to: after, ...diff }) : renderDiff(diff));
  if (options.exitCode === true && !diff.identical) context.foundOverThreshold();
}
