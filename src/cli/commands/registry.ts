import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { fleetFile } from '../fleet-setup.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { withMaintenance } from '../registry-maintenance.ts';
import { renderCollection } from '../render/collection.ts';
import { coloursFor } from '../render/colours.ts';
import { renderRetention } from '../render/retention.ts';
import { renderUsage } from '../render/usage.ts';
import { renderVerification } from '../render/verification.ts';

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

const USAGE_HELP = `
Bytes of distinct blobs and manifests, as quotas count them. OWN is what no other repository has, and what would be freed
without it; SHARED the rest.

Examples:
  heraklit registry usage
  heraklit registry usage --format json
`;

const RETENTION_HELP = `
Rules stand in the fleet file under registry.retention, by repository pattern; the first that fits is a repository's own,
and where none fits everything stays. What runs, is released, is a base or the way back stays unless a rule says
otherwise. Signatures, SBOMs and other referrers live as long as what they belong to. heraklit registry gc then frees
the bytes.

Examples:
  heraklit registry retention --dry-run
  heraklit registry retention examples/fleet/heraklit.yaml --format json
`;

const VERIFY_HELP = `
Every blob is read and hashed, and everything the repositories serve is there and as long as it says; files that have no
business in the store are named. Exit code 1 when anything is wrong. Scratch files and uploads under way are listed and
are not wrong. Nothing is changed without --repair, and nothing is ever deleted: corrupt blobs go to .corrupt/.

Examples:
  heraklit registry verify
  heraklit registry verify --part 3/7 --format json
`;

export function register(command: Command, context: CliContext): void {
  addGlobalOptions(addFormat(command.command('gc')))
    .description('delete blobs that nothing needs')
    .option('--grace <hours>', 'how long blobs stay that nothing names; at least 2', '24')
    .option('--dry-run', 'say what would go, and delete nothing')
    .addHelpText('after', GC_HELP)
    .action((options: GcOptions) => gc(options, context));
  addGlobalOptions(addFormat(command.command('usage')))
    .description('bytes of each repository, its own and shared')
    .addHelpText('after', USAGE_HELP)
    .action((options: { readonly format: OutputFormat }) => usage(options, context));
  addGlobalOptions(addFormat(command.command('retention')))
    .description('remove tags and manifests that the rules of a fleet file do not keep')
    .argument('[fleet]', 'fleet file (default: heraklit.yaml)')
    .option('--dry-run', 'say what would go and why, and remove nothing')
    .addHelpText('after', RETENTION_HELP)
    .action((file: string | undefined, options: RetentionOptions) => retention(file, options, context));
  addGlobalOptions(addFormat(command.command('verify')))
    .description('check every blob and every manifest of the registry')
    .option('--since <hours>', 'hash only blobs that were written or counted on in the last hours')
    .option('--part <n/of>', 'hash only that part of the blobs, so that a large store is walked in pieces')
    .option('--repair', 'put corrupt blobs aside, so that they can be pushed again')
    .addHelpText('after', VERIFY_HELP)
    .action((options: VerifyOptions) => verify(options, context));
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

interface RetentionOptions {
  readonly dryRun?: boolean;
  readonly format: OutputFormat;
}

async function retention(file: string | undefined, options: RetentionOptions, context: CliContext): Promise<void> {
  const { loadFleet } = await import('../../recipe/index.ts');
  const fleet = await loadFleet(fleetFile(file));
  const rules = fleet.document.registry?.retention;
  if (rules === undefined) {
    throw cliError('CLI_USAGE', `${fleet.file} has no registry.retention`, {
      hint: 'docs/registry-operations.md shows rules.',
    });
  }
  const { progress, signal } = context;
  const dryRun = options.dryRun === true;
  const answer = await withMaintenance(context, (maintenance) =>
    maintenance.retain({ rules, dryRun }, { progress, signal }),
  );
  context.print(
    options.format === 'json' ? json(answer) : renderRetention(answer, Date.now(), coloursFor(context.colour)),
  );
}

interface VerifyOptions {
  readonly since?: string;
  readonly part?: string;
  readonly repair?: boolean;
  readonly format: OutputFormat;
}

async function verify(options: VerifyOptions, context: CliContext): Promise<void> {
  const request = {
    ...(options.since === undefined ? {} : { since: Date.now() - hours('--since', options.since) * 3_600_000 }),
    ...(options.part === undefined ? {} : { part: parsePart(options.part) }),
    ...(options.repair === undefined ? {} : { repair: options.repair }),
  };
  const { progress, signal } = context;
  const report = await withMaintenance(context, (maintenance) => maintenance.verify(request, { progress, signal }));
  context.print(options.format === 'json' ? json(report) : renderVerification(report));
  if (report.found > 0) context.foundOverThreshold();
}

async function usage(options: { readonly format: OutputFormat }, context: CliContext): Promise<void> {
  const answer = await withMaintenance(context, (maintenance) => maintenance.usage());
  context.print(options.format === 'json' ? json(answer) : renderUsage(answer));
}

/** `2/7`: the second of seven. */
function parsePart(text: string): { readonly number: number; readonly of: number } {
  const [number, of] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).slice(1).map(Number);
  if (number !== undefined && of !== undefined && number >= 1 && number <= of) return { number, of };
  throw cliError('CLI_USAGE', `--part takes a part such as 2/7, not ${JSON.stringify(text)}`);
}

function hours(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw cliError('CLI_USAGE', `${name} takes a number of hours, not ${JSON.stringify(text)}`);
}
