import { type Command, Option } from 'commander';
import type { ArtifactContent, PushedArtifact, Referrer } from '../../artifact/index.ts';
import type { Reference } from '../../oci/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { renderPulled, renderPushed, renderReferrers } from '../render/artifact.ts';

const HELP = `
Any file goes where images go: registries (HOST/REPOSITORY:TAG) and OCI layouts (oci:DIR:TAG), by the OCI image
specification's rules for artifacts, so that oras, Helm, cosign and other clients read them. A FILE may be a folder
(one gzip tar, unpacked again by pull) and may say its media type: FILE:MEDIATYPE.

Examples:
  heraklit artifact push registry.example.com/team/rules:1 rules.yaml --artifact-type application/vnd.example.rules
  heraklit artifact push registry.example.com/charts/web:1.2.0 web-1.2.0.tgz --helm
  heraklit sbom registry.example.com/shop/web:1 -o web.cdx.json
  heraklit artifact attach registry.example.com/shop/web:1 web.cdx.json
  heraklit artifact discover registry.example.com/shop/web:1
  heraklit artifact pull registry.example.com/team/rules:1 -o rules
`;

const PULL_HELP = `
Each file is written whole and verified, or not at all; a file that is there is replaced unless --keep is given. File
names come from whoever pushed the artifact: one that leads out of the folder is refused.
`;

const ATTACH_HELP = `
The artifact names the image as its subject: it is found by "discover" and copied along by clients that know referrers.
Attached to an index it speaks of all platforms; --platform attaches it to one platform's image.
`;

interface AccessOptions {
  readonly insecure?: boolean;
  readonly platform?: string;
  readonly format: OutputFormat;
}

interface PushOptions extends AccessOptions {
  readonly artifactType?: string;
  readonly annotation: readonly string[];
  readonly config?: string;
  readonly helm?: boolean;
}

interface PullOptions extends AccessOptions {
  readonly output: string;
  readonly keep?: boolean;
}

interface DiscoverOptions extends AccessOptions {
  readonly artifactType?: string;
  readonly depth: string;
}

export function register(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP);
  pushOptions(command.command('push'))
    .description('store files as an artifact under a tag')
    .argument('<ref>', 'where to, with a tag')
    .argument('[files...]', 'FILE or FILE:MEDIATYPE; folders too')
    .option('--config <file>', 'config of a type of its own: FILE:MEDIATYPE')
    .option('--helm', 'the one FILE is a packaged Helm chart; the tag defaults to its version')
    .action((ref: string, files: readonly string[], options: PushOptions) => push(ref, files, options, context));
  pushOptions(command.command('attach'))
    .description('store files as an artifact that refers to an image')
    .argument('<ref>', 'the image (or artifact) they are about')
    .argument('[files...]', 'FILE or FILE:MEDIATYPE; folders too')
    .option('--platform <os/arch>', 'attach to this platform’s image of an index, not to the index')
    .addHelpText('after', ATTACH_HELP)
    .action((ref: string, files: readonly string[], options: PushOptions) => attach(ref, files, options, context));
  accessOptions(command.command('pull'))
    .description('write an artifact’s files into a folder')
    .argument('<ref>', 'artifact')
    .option('-o, --output <dir>', 'folder, made where there is none', '.')
    .option('--keep', 'refuse to replace files that are there')
    .option('--platform <os/arch>', 'of an index (default: this machine’s)')
    .addHelpText('after', PULL_HELP)
    .action((ref: string, options: PullOptions) => pull(ref, options, context));
  accessOptions(command.command('discover'))
    .description('what refers to an image: signatures, SBOMs, attestations')
    .argument('<ref>', 'image or artifact')
    .option('--artifact-type <type>', 'only referrers of this type')
    .option('--depth <n>', 'levels to follow: 1 is what refers to the image itself', '10')
    .option('--platform <os/arch>', 'ask about this platform’s image of an index, not about the index')
    .action((ref: string, options: DiscoverOptions) => discover(ref, options, context));
}

function accessOptions(command: Command): Command {
  return addFormat(command).addOption(
    new Option('--insecure', 'speak plain HTTP, or TLS without checking the certificate'),
  );
}

function pushOptions(command: Command): Command {
  return accessOptions(command)
    .option('--artifact-type <type>', 'what the artifact is, as a media type')
    .addOption(
      new Option('--annotation <key=value>', 'of the manifest; repeatable')
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([] as readonly string[], 'none'),
    );
}

/** Loaded when a command runs: `--help` needs none of it. */
const load = () => Promise.all([import('../../artifact/index.ts'), import('../../oci/index.ts')]);

async function open(text: string, options: AccessOptions, context: CliContext) {
  const [artifact, oci] = await load();
  const reference = oci.parseReference(text);
  const named = artifact.openRepository(reference, {
    signal: context.signal,
    onWarning: (warning) => context.log.warn(`the registry says: ${warning}`),
    ...(options.insecure === undefined ? {} : { insecure: options.insecure }),
  });
  return { artifact, oci, reference, ...named };
}

/** Options that only mean something as a media type. */
function checkType(type: string | undefined, isMediaType: (text: string) => boolean): void {
  if (type === undefined || isMediaType(type)) return;
  throw cliError('CLI_USAGE', `--artifact-type takes a media type, not ${JSON.stringify(type)}`, {
    hint: 'For example application/vnd.example.rules.v1.',
  });
}

async function partsOf(
  files: readonly string[],
  options: PushOptions,
): Promise<{
  readonly contents: readonly ArtifactContent[];
  readonly config?: ArtifactContent;
  readonly annotations: Readonly<Record<string, string>>;
  readonly version?: string;
}> {
  const [artifact] = await load();
  checkType(options.artifactType, artifact.isMediaType);
  const annotations = artifact.parseAnnotations(options.annotation);
  if (options.helm === true) {
    const [file, ...more] = files;
    if (file === undefined || more.length > 0 || options.config !== undefined || options.artifactType !== undefined) {
      throw cliError('CLI_USAGE', '--helm takes one packaged chart and neither --config nor --artifact-type', {
        hint: 'heraklit artifact push HOST/REPOSITORY chart.tgz --helm',
      });
    }
    const { chart, config, annotations: own, version } = await artifact.readHelmChart(file);
    return { contents: [chart], config, annotations: { ...own, ...annotations }, version };
  }
  const contents = await artifact.contentsOf(files.map(artifact.parseFileArgument));
  if (options.config === undefined) return { contents, annotations };
  return { contents, annotations, config: await artifact.configOf(artifact.parseFileArgument(options.config)) };
}

async function push(text: string, files: readonly string[], options: PushOptions, context: CliContext): Promise<void> {
  const { artifact, oci, reference, repository, tag } = await open(text, options, context);
  try {
    if (reference.kind === 'docker' && reference.digest !== undefined) {
      throw cliError('CLI_USAGE', 'an artifact is pushed under a tag; its digest follows from what it is', {
        hint: 'Write HOST/REPOSITORY:TAG.',
      });
    }
    const { version, ...parts } = await partsOf(files, options);
    const name = tag ?? (version === undefined ? undefined : artifact.helmTag(version));
    if (name === undefined) throw cliError('CLI_USAGE', `${text} names no tag to push to`, { hint: 'Append :TAG.' });
    const pushed = await artifact.pushArtifact(
      repository,
      {
        ...parts,
        tag: name,
        ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
      },
      { progress: context.progress, ...(await clockOption()) },
    );
    report(pushed, oci.formatReference({ ...reference, tag: name } as Reference), options, context);
  } finally {
    repository.close();
  }
}

async function attach(
  text: string,
  files: readonly string[],
  options: PushOptions,
  context: CliContext,
): Promise<void> {
  const { artifact, repository, name } = await open(text, options, context);
  try {
    if (files.length === 0 && options.annotation.length === 0) {
      throw cliError('CLI_USAGE', 'nothing to attach', { hint: 'Name a FILE, or at least one --annotation.' });
    }
    const subject = await artifact.subjectOf(repository, name, await platformOption(options));
    const { contents, annotations } = await partsOf(files, options);
    const [first] = contents;
    const type = options.artifactType ?? (contents.length === 1 ? first?.descriptor.mediaType : undefined);
    const pushed = await artifact.pushArtifact(
      repository,
      { contents, annotations, subject, ...(type === undefined ? {} : { artifactType: type }) },
      { progress: context.progress, ...(await clockOption()) },
    );
    report(pushed, `${repository.where}@${pushed.descriptor.digest}`, options, context, subject.digest);
  } finally {
    repository.close();
  }
}

function report(
  pushed: PushedArtifact,
  reference: string,
  { format }: AccessOptions,
  context: CliContext,
  subject?: string,
): void {
  const facts = { reference, ...(subject === undefined ? {} : { subject }), ...pushed };
  context.print(format === 'json' ? json(facts) : renderPushed(facts));
}

async function pull(text: string, options: PullOptions, context: CliContext): Promise<void> {
  const { artifact, repository, name } = await open(text, options, context);
  try {
    const platform = await platformOption(options);
    const pulled = await artifact.pullArtifact(repository, name, {
      directory: options.output,
      progress: context.progress,
      ...(options.keep === undefined ? {} : { keep: options.keep }),
      ...(platform === undefined ? {} : { platform }),
    });
    const { descriptor, files, unnamed } = pulled;
    context.print(options.format === 'json' ? json({ descriptor, files, unnamed }) : renderPulled(pulled));
  } finally {
    repository.close();
  }
}

async function discover(text: string, options: DiscoverOptions, context: CliContext): Promise<void> {
  const depth = Number(options.depth);
  if (!Number.isSafeInteger(depth) || depth < 1)
    throw cliError('CLI_USAGE', '--depth takes a number from 1', { hint: 'Leave it out to follow all levels.' });
  const { artifact, repository, name } = await open(text, options, context);
  try {
    checkType(options.artifactType, artifact.isMediaType);
    const subject = await artifact.subjectOf(repository, name, await platformOption(options));
    const referrers: readonly Referrer[] = await artifact.discoverReferrers(repository, subject.digest, {
      depth,
      ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
    });
    context.print(options.format === 'json' ? json({ subject, referrers }) : renderReferrers(text, subject, referrers));
  } finally {
    repository.close();
  }
}

async function platformOption({ platform }: AccessOptions) {
  if (platform === undefined) return undefined;
  const { parsePlatform } = await import('../../oci/index.ts');
  return parsePlatform(platform);
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org) makes the same push the same digest. */
async function clockOption() {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || !/^\d{1,12}$/.test(text)) return {};
  const { fixedClock } = await import('../../base/index.ts');
  return { clock: fixedClock(Number(text) * 1000) };
}
