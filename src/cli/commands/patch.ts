import { type Command, Option } from 'commander';
import type { PatchFilter, PatchOutcome, PlatformOutcome } from '../../engine/workshop/index.ts';
import type { Reference } from '../../oci/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat } from '../format-option.ts';
import { addImageSourcesOption, addSourceOptions, type SourceOptions, workshopFrom } from '../source-options.ts';

interface PatchOptions extends SourceOptions {
  readonly output: string;
  readonly onlySecurity?: boolean;
  readonly package?: readonly string[];
  readonly severity?: PatchFilter['severity'];
  readonly maxSeverity?: PatchFilter['maxSeverity'];
  readonly platform?: string;
  readonly keepUnpatched?: boolean;
  readonly compression?: 'gzip' | 'zstd';
  readonly format: OutputFormat;
}

const HELP = `
One layer over the original image brings its outdated packages to their candidates, without network. dpkg: the
image's own dpkg does it in a sandbox; where it has none, files are replaced and nothing runs. apk: done by
apk's rules, scripts run in the sandbox with the image's own shell; an image needs neither apk nor shell.
rpm: the image's own rpm does it in the sandbox; where it has none, this machine's.
An image of several platforms is patched as a whole, or not at all: --keep-unpatched keeps platforms as they are that
cannot be patched here, and says which.
Patching a patched image starts from the original again: layers never pile up. Changed configuration files are kept.

Examples:
  heraklit patch oci:vendor:1 -o oci:out:1
  heraklit patch registry.example.com/vendor/app:1 -o registry.example.com/patched/app:1 --only-security
  heraklit patch oci:vendor:1 -o oci:out:1 --severity important --platform linux/arm64
`;

const SEVERITIES = ['critical', 'important', 'other'];

export function register(command: Command, context: CliContext): void {
  addFormat(
    addImageSourcesOption(addSourceOptions(command))
      .argument('<ref>', 'image to patch')
      .requiredOption('-o, --output <ref>', 'where to put the patched image')
      .option('--only-security', 'only updates that fix security problems')
      .addOption(
        new Option('--compression <kind>', 'of the new layer; gzip for clients that know no zstd').choices([
          'zstd',
          'gzip',
        ]),
      )
      .option('--package <name...>', 'only these packages (and what they newly depend on)')
      .addOption(new Option('--severity <least>', 'only updates rated at least so').choices(SEVERITIES))
      .addOption(new Option('--max-severity <most>', 'only updates rated at most so').choices(SEVERITIES))
      .option('--platform <platform>', 'of several, this one alone: linux/arm64')
      .option('--keep-unpatched', 'of several platforms, keep as they are what cannot be patched'),
  )
    .addHelpText('after', HELP)
    .action((reference: string, options: PatchOptions) => run(reference, options, context));
}

async function run(text: string, options: PatchOptions, context: CliContext): Promise<void> {
  const { importedAdvisories } = await import('../imported-advisories.ts');
  const imported = await importedAdvisories(context);
  try {
    await patchWith(
      { ...filterOf(options), ...(imported === undefined ? {} : { advisories: imported.find }) },
      text,
      options,
      context,
    );
  } finally {
    await imported?.close();
  }
}

async function patchWith(filter: PatchFilter, text: string, options: PatchOptions, context: CliContext): Promise<void> {
  const [oci, transport] = await Promise.all([import('../../oci/index.ts'), import('../../transport/index.ts')]);
  const [source, target] = [oci.parseReference(text), oci.parseReference(options.output)];
  transport.checkSavable(target);
  if (options.platform === undefined && (await patchWhole(filter, source, target, options, context))) return;
  const platform = options.platform === undefined ? {} : { platform: oci.parsePlatform(options.platform) };
  const image = await transport.openImage(source, { signal: context.signal, ...platform });
  try {
    const engine = await import('../../engine/workshop/index.ts');
    const workshop = await workshopFrom(options, context);
    const outcome = await engine.patchImage(image, filter, workshop);
    const result =
      outcome.kind === 'patched'
        ? engine.resolvedFrom(outcome.image, engine.storeOver(await workshop.store(), image.blobs))
        : image;
    await transport.saveImage(result, target, { signal: context.signal });
    const reference = oci.formatReference(target);
    context.print(
      options.format === 'json'
        ? JSON.stringify({ source: image.digest, digest: result.digest, reference, ...facts(outcome) })
        : describe(outcome, reference, result.digest),
    );
  } finally {
    await image.close();
  }
}

const filterOf = ({
  onlySecurity,
  package: packages,
  severity,
  maxSeverity,
  compression,
}: PatchOptions): PatchFilter => ({
  ...(onlySecurity === undefined ? {} : { onlySecurity }),
  ...(packages === undefined ? {} : { packages }),
  ...(severity === undefined ? {} : { severity }),
  ...(maxSeverity === undefined ? {} : { maxSeverity }),
  ...(compression === undefined ? {} : { compression }),
});

/** All platforms of an image. @returns false where it is of one */
async function patchWhole(
  filter: PatchFilter,
  source: Reference,
  target: Reference,
  options: PatchOptions,
  context: CliContext,
): Promise<boolean> {
  const [oci, transport] = await Promise.all([import('../../oci/index.ts'), import('../../transport/index.ts')]);
  const opened = await transport.openIndex(source, { signal: context.signal });
  if (opened === undefined) return false;
  try {
    const engine = await import('../../engine/workshop/index.ts');
    const keeping = { ...filter, keepUnpatched: options.keepUnpatched === true };
    const patched = await engine.patchIndex(opened, keeping, await workshopFrom(options, context));
    const { digest } = await transport.saveIndex(patched, target, { signal: context.signal });
    const reference = oci.formatReference(target);
    const { platforms, leftOut } = patched;
    context.print(
      options.format === 'json'
        ? JSON.stringify({
            ...{ source: opened.descriptor.digest, digest, reference, leftOut },
            platforms: platforms.map((one) => ({ platform: one.platform, digest: one.image.digest, ...toldOf(one) })),
          })
        : [
            ...platforms.map((one) => describePlatform(one)),
            ...leftOut.map((one) => `left out: ${one}, a statement on an image that is no longer there`),
            `${reference}@${digest}`,
          ].join('\n'),
    );
    return true;
  } finally {
    await opened.close();
  }
}

function toldOf(one: PlatformOutcome): object {
  if (one.kind === 'failed') return { failed: one.code, reason: one.reason };
  return { source: one.source, ...facts(one.outcome) };
}

function describePlatform(one: PlatformOutcome): string {
  if (one.kind === 'failed') return `${one.platform}: NOT PATCHED, kept as it is: ${one.reason}`;
  return `${one.platform}: ${describe(one.outcome, one.platform, one.image.digest)}`;
}

function facts(outcome: PatchOutcome): object {
  if (outcome.kind === 'unchanged') return { strategy: 'none', changes: [], advisories: [] };
  const { strategy, changes, advisoriesFixed, statistics } = outcome.image;
  return { strategy, changes, advisories: advisoriesFixed, statistics };
}

function describe(outcome: PatchOutcome, target: string, digest: string): string {
  if (outcome.kind === 'unchanged') return `nothing to patch; copied as it is\n${target}@${digest}`;
  const rows = outcome.image.changes.map(
    ({ package: name, from, to }) => `  ${name}  ${from ?? '(new)'} → ${to ?? '(gone)'}`,
  );
  const fixed = outcome.image.advisoriesFixed.length;
  const title = `${rows.length} packages${fixed > 0 ? `, ${fixed} advisories fixed` : ''}:`;
  return [title, ...rows, `${target}@${digest}`].join('\n');
}
