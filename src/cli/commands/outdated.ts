import { type Command, Option } from 'commander';
import type { FindAdvisories, Finding, GradeSettings, ImageContents, UpdateCheck } from '../../inventory/index.ts';
import { isUsed, usageOfPackage } from '../../inventory/usage/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json, listPrinter } from '../format-option.ts';
import { readContents } from '../image-contents.ts';
import type { LoadedNow } from '../loaded-now.ts';
import { outdatedInFleet } from '../outdated-in-fleet.ts';
import type { OutdatedFilter } from '../outdated-on-server.ts';
import { pointInTime } from '../point-in-time.ts';
import { type OutdatedView, outdatedJson, renderOutdated } from '../render/outdated.ts';
import { addImageSourcesOption, addSourceOptions, type SourceOptions, workshopFrom } from '../source-options.ts';

const HELP = `
A package is outdated when a repository of the image's distribution (release, updates and security pockets) offers a
newer version: the set that \`apt list --upgradable\` (dnf check-update, apk version,
pacman -Qu) shows inside it. Advisories are the CVE ids that the changelog
names between the installed version and the candidate; \`since\` is the date of the oldest missed entry.
Imported advisories (heraklit feed import) add ids, ratings and scores; what a VEX statement says is no issue is marked
with its justification, lowers no grade and is passed over by --fail-on security. They never add a finding.
USED says whether the image's command is linked against the package (entry point; such findings come first), some
program or some library. What nothing is linked against is merely contained. --usage leaves out the others, never what is not known
(?: an image recorded before usage was told; read it again with scan --record or crawl). loaded: a host reports to the
server of this home (heraklit agent --report) that a container of the image runs it now.

An image nothing is known about is shown as unsupported, never as up to date.

--all answers from the inventory, as of the last check of each distribution; where heraklit serve holds the home, it
is asked.

Examples:
  heraklit outdated oci:layout:web
  heraklit outdated registry.example.com/team/app:1 --fail-on security --format json
  heraklit outdated --all --image 'registry.example.com/team/*'
  heraklit outdated --all --severity important --since 7d
  heraklit outdated --all --usage entrypoint
`;

type FailOn = 'any' | 'security' | 'critical';

interface OutdatedCommandOptions extends SourceOptions {
  readonly format: OutputFormat;
  readonly all?: boolean;
  readonly image?: string;
  readonly distribution?: string;
  readonly severity?: 'critical' | 'important';
  readonly since?: string;
  readonly usage?: 'entrypoint' | 'linked' | 'loaded';
  readonly failOn?: FailOn;
  readonly advisories: boolean;
  readonly platform?: string;
  readonly policy?: string;
  readonly advisoriesOnly?: boolean;
}

export function register(command: Command, context: CliContext): void {
  addImageSourcesOption(addSourceOptions(addFormat(command.argument('[ref...]', 'images or root folders'))))
    .option('--all', 'every outdated image of the inventory')
    .option('--image <glob>', 'with --all: only images whose reference matches')
    .option('--distribution <name>', 'with --all: debian/trixie, …')
    .addOption(new Option('--severity <least>', 'with --all: only such updates').choices(['critical', 'important']))
    .option('--since <time>', 'with --all: only updates published since 2026-03-01, or in the last 7d')
    .addOption(
      new Option('--usage <how>', 'only what the entry point, or anything, is linked against, or what runs').choices([
        'entrypoint',
        'linked',
        'loaded',
      ]),
    )
    .addOption(
      new Option('--fail-on <what>', 'exit with 1 when there are such findings, or an image is unsupported').choices([
        'any',
        'security',
        'critical',
      ]),
    )
    .option(
      '--advisories-only',
      'instead: what imported advisories say affects it, packages of languages too; no repository is asked',
    )
    .option('--policy <fleet>', 'grade by policy.grades and policy.endOfSupport of this fleet file')
    .option(
      '--no-advisories',
      'read neither changelogs nor imported advisories (faster; no CVE ids, dates of the repository)',
    )
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .addHelpText('after', HELP)
    .action((references: readonly string[], options: OutdatedCommandOptions) => run(references, options, context));
}

async function run(references: readonly string[], options: OutdatedCommandOptions, context: CliContext): Promise<void> {
  if ((options.all === true) === references.length > 0) {
    throw cliError('CLI_USAGE', options.all === true ? '--all takes no references' : 'no image was named', {
      hint: 'Name images, or ask for the whole inventory with --all.',
    });
  }
  if (options.advisoriesOnly === true) {
    if (options.usage !== undefined) throw cliError('CLI_USAGE', '--advisories-only says nothing of usage');
    if (options.all === true) throw cliError('CLI_USAGE', '--advisories-only takes references, not --all');
    const [{ knownAdvisories }, { knownJson, renderKnown }] = await Promise.all([
      import('../known-advisories.ts'),
      import('../render/known-advisories.ts'),
    ]);
    const { usage: _, ...asked } = options;
    const known = await knownAdvisories(references, asked, context);
    context.print(options.format === 'json' ? json(knownJson(known)) : renderKnown(known));
    return;
  }
  const now = Date.now();
  const pages = options.all === true ? outdatedInFleet(context, filterOf(options), now) : undefined;
  await printPages(pages ?? [await checkReferences(references, options, context, now)], options, context, now);
}

/** A fleet's answer is printed while it is read. */
async function printPages(
  pages: AsyncIterable<readonly OutdatedView[]> | readonly (readonly OutdatedView[])[],
  { format, failOn, usage }: OutdatedCommandOptions,
  context: CliContext,
  now: number,
): Promise<void> {
  const list = listPrinter('images', (text) => context.print(text));
  let printed = 0;
  let unknown = 0;
  let isOver = false;
  for await (const images of pages) {
    for (const image of images) {
      if (image.status !== 'checked') context.log.warn(`${image.reference}: ${image.status}: ${image.reason}`);
    }
    unknown += images.filter(({ findings }) => findings.some((finding) => finding.usage === undefined)).length;
    isOver ||= failOn !== undefined && images.some((image) => fails(image, failOn));
    if (format === 'json') list.add(images.map(outdatedJson));
    else if (images.length > 0) {
      context.print(`${printed === 0 ? '' : '\n'}${renderOutdated(images, { now, colour: context.colour })}`);
    }
    printed += images.length;
  }
  if (format === 'json') list.end();
  else if (printed === 0) context.print('No image of the inventory is outdated.');
  if (usage !== undefined && unknown > 0) {
    context.log.warn(`of ${unknown} images it is not known what they use: all their updates are shown`);
  }
  if (isOver) context.foundOverThreshold();
}

function filterOf({ image, distribution, severity, since, usage }: OutdatedCommandOptions): OutdatedFilter {
  return {
    ...(image === undefined ? {} : { image }),
    ...(distribution === undefined ? {} : { distribution }),
    ...(severity === undefined ? {} : { severity }),
    ...(since === undefined ? {} : { since: pointInTime('--since', since) }),
    ...(usage === undefined ? {} : { usage }),
  };
}

function fails(image: OutdatedView, failOn: FailOn): boolean {
  if (image.status !== 'checked') return true;
  return image.findings.some((finding) => {
    if (failOn === 'any') return true;
    return failOn === 'security' ? finding.security && !isCleared(finding) : finding.severity === 'critical';
  });
}

async function policySettings(file: string | undefined): Promise<GradeSettings | undefined> {
  if (file === undefined) return undefined;
  const { loadFleet } = await import('../../recipe/index.ts');
  return (await loadFleet(file)).document.policy;
}

/** Every advisory of it is said to be no issue here. */
const isCleared = ({ advisories, notAffected = [] }: Finding): boolean =>
  advisories.length > 0 && notAffected.length === advisories.length;

async function checkReferences(
  references: readonly string[],
  options: OutdatedCommandOptions,
  context: CliContext,
  now: number,
): Promise<readonly OutdatedView[]> {
  const [{ importedAdvisories }, { loadedNow }] = await Promise.all([
    import('../imported-advisories.ts'),
    import('../loaded-now.ts'),
  ]);
  const loaded = await loadedNow(context);
  try {
    const imported = options.advisories ? await importedAdvisories(context) : undefined;
    try {
      const check = await openChecker(options, context, imported?.find, now);
      return await checkEach(references, { check, loaded }, options, context, now);
    } finally {
      await imported?.close();
    }
  } finally {
    await loaded.close();
  }
}

async function checkEach(
  references: readonly string[],
  { check, loaded }: { readonly check: Checker; readonly loaded: LoadedNow },
  options: OutdatedCommandOptions,
  context: CliContext,
  now: number,
): Promise<readonly OutdatedView[]> {
  const { gradeCheck, gradePolicyOf, lastDayOf } = await import('../../inventory/index.ts');
  const policy = gradePolicyOf(await policySettings(options.policy));
  const images: OutdatedView[] = [];
  for (const reference of references) {
    const contents = await readContents(reference, context, { ...options, usage: true });
    const result = await check(contents, reference);
    const name = contents.distribution?.name;
    const grading = gradeCheck(result, now / 1000, name, policy);
    images.push({
      reference,
      digest: contents.digest,
      distribution: contents.distribution?.name,
      status: result.kind,
      reason: result.kind === 'unsupported' ? result.reason : '',
      findings: result.kind === 'checked' ? await usedFindings(result.findings, contents, loaded, options.usage) : [],
      isDocument: contents.packageDatabase === 'sbom',
      grade: grading.grade,
      dropsAt: grading.dropsAt === undefined ? undefined : new Date(grading.dropsAt * 1000).toISOString(),
      endOfSupport: name === undefined ? undefined : lastDayOf(name, policy),
      ...(result.kind === 'checked' && result.unsupportedPackages !== undefined
        ? { unsupportedPackages: result.unsupportedPackages }
        : {}),
    });
  }
  return images;
}

/** With what is known of their use: what runs first, then what the entry point is linked against. */
async function usedFindings(
  findings: readonly Finding[],
  { usage, digest }: ImageContents,
  loaded: LoadedNow,
  filter: OutdatedCommandOptions['usage'],
): Promise<readonly Finding[]> {
  const told = findings
    .map((finding) => ({ ...finding, ...usageOfPackage(usage, finding.package) }))
    .toSorted((a, b) => Number(b.linkedBy === 'entrypoint') - Number(a.linkedBy === 'entrypoint'));
  const all = digest === undefined ? told : await loaded.tell(told, digest);
  return all.filter((finding) => isUsed(filter, finding));
}

type Checker = (contents: ImageContents, reference: string) => Promise<UpdateCheck>;

/** `docker://registry.example/team/web:1@sha256:…` → `registry.example/team/web` */
const repositoryOf = (reference: string): string | undefined =>
  /^(?:docker:\/\/)?([^@\s]+?)(?::[^/@]+)?(?:@.*)?$/.exec(reference)?.[1];

/** Repositories are opened once a distribution, however many images are checked against them. */
async function openChecker(
  options: OutdatedCommandOptions,
  context: CliContext,
  advisories: FindAdvisories | undefined,
  now: number,
): Promise<Checker> {
  const [{ isImageNamed }, { knownDistributions }, { findOutdated }, workshop] = await Promise.all([
    import('../../advisory/index.ts'),
    import('../../feed/index.ts'),
    import('../../inventory/index.ts'),
    workshopFrom(options, context),
  ]);
  const known = new Set<string>(knownDistributions());
  return async (contents, reference) => {
    const name = contents.distribution?.name;
    if (name === undefined || contents.packages.length === 0 || !known.has(name)) return findOutdated(contents, []);
    const own = workshop.forImage(contents);
    const shelf = await own.shelf(name, contents.architecture);
    if (!options.advisories) return findOutdated(contents, shelf.snapshots);
    const image = { digest: contents.digest, repository: repositoryOf(reference) };
    return findOutdated(contents, shelf.snapshots, {
      changelog: await own.changelogs(name, shelf),
      support: { notes: await own.securitySupport(name, shelf), now: now / 1000 },
      isThisImage: (product) => isImageNamed(product, image),
      ...(advisories === undefined ? {} : { advisories }),
    });
  };
}
