import { type Command, Option } from 'commander';
import type { PatchOutcome } from '../../engine/workshop/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat } from '../format-option.ts';
import { addImageSourcesOption, addSourceOptions, type SourceOptions, workshopFrom } from '../source-options.ts';

interface PatchOptions extends SourceOptions {
  readonly output: string;
  readonly onlySecurity?: boolean;
  readonly package?: readonly string[];
  readonly compression?: 'gzip' | 'zstd';
  readonly format: OutputFormat;
}

const HELP = `
One layer over the original image brings its outdated packages to their candidates, without network. dpkg: the
image's own dpkg does it in a sandbox (needs root); where it has none, files are replaced and nothing runs. apk: done by
apk's rules, scripts run in the sandbox (needs root) with the image's own shell; an image needs neither apk nor shell.
rpm: the image's own rpm does it in the sandbox (needs root); where it has none, this machine's.
Patching a patched image starts from the original again: layers never pile up. Changed configuration files are kept.

Examples:
  heraklit patch oci:vendor:1 -o oci:out:1
  heraklit patch registry.example.com/vendor/app:1 -o registry.example.com/patched/app:1 --only-security
`;

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
      .option('--package <name...>', 'only these packages (and what they newly depend on)'),
  )
    .addHelpText('after', HELP)
    .action((reference: string, options: PatchOptions) => run(reference, options, context));
}

async function run(text: string, options: PatchOptions, context: CliContext): Promise<void> {
  const [oci, transport, engine] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../engine/workshop/index.ts'),
  ]);
  const target = oci.parseReference(options.output);
  transport.checkSavable(target);
  const image = await transport.openImage(oci.parseReference(text), { signal: context.signal });
  try {
    const workshop = await workshopFrom(options, context);
    const outcome = await engine.patchImage(
      image,
      {
        ...(options.onlySecurity === undefined ? {} : { onlySecurity: options.onlySecurity }),
        ...(options.package === undefined ? {} : { packages: options.package }),
        ...(options.compression === undefined ? {} : { compression: options.compression }),
      },
      workshop,
    );
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
