import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat } from '../format-option.ts';

interface RebaseOptions {
  readonly onto: string;
  readonly from?: string;
  readonly output: string;
  readonly baseName?: string;
  readonly format: OutputFormat;
}

const HELP = `
The child's own layers are kept bit for bit and its base's layers are swapped: nothing runs, nothing is unpacked. The
package database and lists of accounts that both sides changed are merged from three sides into one small layer.
What cannot be proved safe is refused with every reason (exit code 3): paths both sides change, packages both sides
change, dependencies that no longer hold, libraries that lost their SONAME or symbols.

The old base is --from, else the one that the annotation org.opencontainers.image.base.digest names, when this home's
store has it.

Examples:
  heraklit rebase oci:app:1 --from oci:base:1 --onto oci:base:2 -o oci:app:2
`;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .argument('<ref>', 'image to move')
    .requiredOption('--onto <ref>', 'new base')
    .option('--from <ref>', 'base it is built on now')
    .requiredOption('-o, --output <ref>', 'where to put the rebased image')
    .option('--base-name <name>', 'goes to the annotation org.opencontainers.image.base.name')
    .addHelpText('after', HELP)
    .action((reference: string, options: RebaseOptions) => run(reference, options, context));
}

async function run(text: string, options: RebaseOptions, context: CliContext): Promise<void> {
  const [oci, transport, engine] = await Promise.all([
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
    import('../../engine/workshop/index.ts'),
  ]);
  const target = oci.parseReference(options.output);
  transport.checkSavable(target);
  const open = (reference: string) => transport.openImage(oci.parseReference(reference), { signal: context.signal });
  await using images = new AsyncDisposableStack();
  const opened = async (reference: string) => images.adopt(await open(reference), (image) => image.close());
  const child = await opened(text);
  const onto = await opened(options.onto);
  const from = options.from === undefined ? undefined : await opened(options.from);
  const { home, log, progress, signal } = context;
  const workshop = engine.openWorkshop({ home, log, progress, signal });
  const result = await engine.rebaseImage({ child, onto, from, baseName: options.baseName }, workshop);
  const ofBase = new Set(onto.manifest.layers.map((layer) => layer.digest));
  const origin = {
    open: (digest: typeof child.digest) => (ofBase.has(digest) ? onto : child).blobs.open(digest),
  };
  const image = engine.resolvedFrom(result, engine.storeOver(await workshop.store(), origin));
  await transport.saveImage(image, target, { signal });
  const reference = oci.formatReference(target);
  const { strategy, report, statistics } = result;
  context.print(
    options.format === 'json'
      ? JSON.stringify({ source: child.digest, digest: image.digest, reference, strategy, report, statistics })
      : `rebased: ${result.reason}\n${result.changes.length} packages of the base change\n${reference}@${image.digest}`,
  );
}
