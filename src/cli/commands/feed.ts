import { type Command, Option } from 'commander';
import { ADVISORY_TYPES, type AdvisoryType } from '../../advisory/index.ts';
import type { ImportResult } from '../../feed/advisory-feeds/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import type { ExportOptions } from '../feed-bundle.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { noteFeeds } from '../imported-advisories.ts';
import { openHomeDatabase } from '../open-database.ts';
import { feedJson, renderBundle, renderExport, renderFeeds, renderImport } from '../render/feeds.ts';
import { addSourceOptions } from '../source-options.ts';

const IMPORT_HELP = `
Advisories rate and explain findings; they never make one: an image is outdated when a repository has something newer.
A location is a file, a folder of files, or an http(s) URL; documents may be compressed (gzip, xz, zstd) or members of a
zip or tar archive. The format is told from the content:

  debian-tracker  the Debian security tracker's JSON          csaf      CSAF 2.0, its VEX profile included
  secdb           Alpine's secdb                              openvex   OpenVEX
  osv             OSV: one document, a list, lines, a dump    oval      OVAL of Debian, Ubuntu, Red Hat, SUSE
  updateinfo      of an rpm-md repository; needs --distribution

The same bytes again change nothing; other bytes replace what that location said before, all at once.

A bundle (heraklit feed export) is imported the same way, with --key: repositories, changelogs, packages and advisories
are then as on the machine that exported it, for commands with --offline. Nothing is changed unless all of it verifies.

Examples:
  heraklit feed import https://security-tracker.debian.org/tracker/data/json
  heraklit feed import updateinfo.xml.gz --distribution rocky/9
  heraklit feed import vex/ --type openvex
  heraklit feed import site.bundle --key bundle.pub
`;

const EXPORT_HELP = `
One archive (tar.zst) with a manifest of hashes, signed with your ed25519 key: the verified indexes of distributions as
they are in the cache, the changelogs that were read, all imported advisories, and with --packages what the images need
to be patched and the recipes to be built again (from the lock beside them). The same content gives the same bytes.

  openssl genpkey -algorithm ed25519 -out bundle.key
  openssl pkey -in bundle.key -pubout -out bundle.pub

Examples:
  heraklit feed export site.bundle --key bundle.key --distribution debian/trixie debian/bookworm
  heraklit feed export site.bundle --key bundle.key --packages heraklit.yaml registry.example.com/team/app:1
`;

const UPDATE_HELP = `
Reads every imported file, folder and URL again (or those that are named). One that cannot be read is told of, and keeps
what it said before; the exit code is then 3.

Examples:
  heraklit feed update
  heraklit feed update https://security-tracker.debian.org/tracker/data/json
`;

interface ImportCommandOptions {
  readonly format: OutputFormat;
  readonly type?: AdvisoryType;
  readonly distribution?: string;
  readonly key?: string;
}

interface FormatOnly {
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addGlobalOptions(addFormat(command.command('import')))
    .description('read advisories from a file, folder or URL')
    .argument('<location...>', 'files, folders or http(s) URLs')
    .addOption(
      new Option('--type <type>', 'what the documents are (default: told from their content)').choices(ADVISORY_TYPES),
    )
    .option('--distribution <name>', 'distribution of documents that do not name theirs, for example rocky/9')
    .option('--key <file>', 'public key (PEM) that a bundle was signed with')
    .addHelpText('after', IMPORT_HELP)
    .action((locations: readonly string[], options: ImportCommandOptions) => importAll(locations, options, context));
  addGlobalOptions(addFormat(addSourceOptions(command.command('export'))))
    .description('write a bundle for machines without network')
    .argument('<bundle>', 'file to write')
    .requiredOption('--key <file>', 'private key (PEM, ed25519) to sign it with')
    .option('--distribution <name...>', 'fetch the indexes of these, and take only these (default: all of the cache)')
    .option('--arch <architecture>', 'architecture of --distribution (default: this machine’s)')
    .option('--packages <source...>', 'take what these images, recipes or fleet files need')
    .option('--no-advisories', 'leave imported advisories out')
    .addHelpText('after', EXPORT_HELP)
    .action(async (path: string, options: ExportOptions & FormatOnly) => {
      const { exportToBundle } = await import('../feed-bundle.ts');
      const exported = await exportToBundle(path, options, context);
      context.print(options.format === 'json' ? json({ bundle: path, ...exported }) : renderExport(path, exported));
    });
  addGlobalOptions(addFormat(command.command('list')))
    .description('what was imported')
    .action((options: FormatOnly) => list(options, context));
  addGlobalOptions(addFormat(command.command('update')))
    .description('read what was imported again')
    .argument('[location...]', 'only these')
    .addHelpText('after', UPDATE_HELP)
    .action((locations: readonly string[], options: FormatOnly) => update(locations, options, context));
  addGlobalOptions(command.command('remove'))
    .description('forget what a location said')
    .argument('<location...>', 'as `heraklit feed list` shows them')
    .action((locations: readonly string[]) => remove(locations, context));
}

async function importAll(
  locations: readonly string[],
  options: ImportCommandOptions,
  context: CliContext,
): Promise<void> {
  const { distribution } = options;
  if (distribution !== undefined && !/^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/.test(distribution)) {
    throw cliError(
      'CLI_USAGE',
      `--distribution takes a name such as debian/bookworm or rocky/9, not ${JSON.stringify(distribution)}`,
    );
  }
  const { importFromBundle, isBundleFile } = await import('../feed-bundle.ts');
  const bundles: string[] = [];
  for (const location of locations) if (await isBundleFile(location)) bundles.push(location);
  for (const path of bundles) {
    const imported = await importFromBundle(path, options.key, context);
    context.print(options.format === 'json' ? json({ bundle: path, ...imported }) : renderBundle(path, imported));
  }
  const documents = locations.filter((location) => !bundles.includes(location));
  if (documents.length > 0) await importDocuments(documents, options, context);
}

async function importDocuments(
  locations: readonly string[],
  options: ImportCommandOptions,
  context: CliContext,
): Promise<void> {
  const { type, distribution } = options;
  if (options.key !== undefined) {
    throw cliError('CLI_USAGE', `${locations[0]} is no bundle, and --key is for bundles`, {
      hint: 'A bundle that was cut at its beginning is not recognised: copy it again.',
    });
  }
  const { importFeed } = await import('../../feed/advisory-feeds/index.ts');
  const results: ImportResult[] = [];
  const database = await openHomeDatabase(context);
  try {
    for (const location of locations) {
      results.push(
        await importFeed(location, {
          ...{ database, scratch: context.home.scratch, progress: context.progress, signal: context.signal },
          ...(type === undefined ? {} : { type }),
          ...(distribution === undefined ? {} : { distribution }),
        }),
      );
    }
  } finally {
    await noteFeeds(database, context.home);
    await database.close();
  }
  show(results, options.format, context);
}

function show(results: readonly ImportResult[], format: OutputFormat, context: CliContext): void {
  for (const { feed, problems } of results) {
    for (const problem of problems) context.log.warn(`${feed.location}: ${problem}`);
  }
  context.print(
    format === 'json'
      ? json({ feeds: results.map(({ kind, feed }) => ({ result: kind, ...feedJson(feed) })) })
      : results.map(renderImport).join('\n'),
  );
}

async function list(options: FormatOnly, context: CliContext): Promise<void> {
  const { listFeeds } = await import('../../feed/advisory-feeds/index.ts');
  const database = await openHomeDatabase(context);
  try {
    const feeds = await listFeeds(database.kysely);
    context.print(options.format === 'json' ? json({ feeds: feeds.map(feedJson) }) : renderFeeds(feeds, Date.now()));
  } finally {
    await database.close();
  }
}

async function update(locations: readonly string[], options: FormatOnly, context: CliContext): Promise<void> {
  const { feedLocation, importFeed, listFeeds } = await import('../../feed/advisory-feeds/index.ts');
  const database = await openHomeDatabase(context);
  const results: ImportResult[] = [];
  let failure: unknown;
  try {
    const known = await listFeeds(database.kysely);
    const wanted = locations.map((location) => feedLocation(location));
    const unknown = wanted.find((location) => !known.some((feed) => feed.location === location));
    if (unknown !== undefined) throw notImported(unknown);
    for (const feed of known) {
      if (wanted.length > 0 && !wanted.includes(feed.location)) continue;
      try {
        results.push(
          await importFeed(feed.location, {
            ...{ database, scratch: context.home.scratch, progress: context.progress, signal: context.signal },
            ...(feed.askedType === undefined ? {} : { type: feed.askedType }),
            ...(feed.distribution === '' ? {} : { distribution: feed.distribution }),
          }),
        );
      } catch (error) {
        context.signal.throwIfAborted();
        context.log.warn(
          `${feed.location} keeps what it said before: ${error instanceof Error ? error.message : String(error)}`,
        );
        failure ??= error;
      }
    }
  } finally {
    await noteFeeds(database, context.home);
    await database.close();
  }
  show(results, options.format, context);
  if (failure !== undefined) throw failure;
}

async function remove(locations: readonly string[], context: CliContext): Promise<void> {
  const { feedLocation, removeFeed } = await import('../../feed/advisory-feeds/index.ts');
  const database = await openHomeDatabase(context);
  try {
    for (const location of locations) {
      if (!(await removeFeed(database, feedLocation(location)))) throw notImported(location);
      context.print(`forgot ${location}`);
    }
  } finally {
    await noteFeeds(database, context.home);
    await database.close();
  }
}

const notImported = (location: string): Error =>
  cliError('CLI_USAGE', `nothing was imported from ${location}`, { hint: 'heraklit feed list shows what was.' });
