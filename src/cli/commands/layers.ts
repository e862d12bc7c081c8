import { join } from 'node:path';
import type { Command } from 'commander';
import type { FileChange } from '../../inventory/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat, json } from '../format-option.ts';
import { readContents } from '../image-contents.ts';

const HELP = `
WASTED counts bytes of a layer's files that later layers overwrite or delete: shipped, never seen. Efficiency is the
share of all shipped file bytes that the finished image shows. PACKAGES: + added, ~ changed version, - removed.

--files lists what each layer added (A), changed (C) or removed (D); a glob narrows it (\`*\` crosses folders).

--base asks the inventory what a recorded image stands on (heraklit scan --help).

Examples:
  heraklit layers oci:layout:web
  heraklit layers oci:layout:web --files 'etc/*'
`;

interface LayersOptions {
  readonly format: OutputFormat;
  readonly platform?: string;
  /** True without a glob. */
  readonly files?: string | true;
  readonly base?: boolean;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<ref>', 'image'))
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .option('--files [glob]', 'also what each layer did to every file, or to those that match')
    .option('--base', 'also which image of the inventory it stands on')
    .addHelpText('after', HELP)
    .action((reference: string, options: LayersOptions) => run(reference, options, context));
}

async function run(reference: string, options: LayersOptions, context: CliContext): Promise<void> {
  const [{ layerReport }, { renderFileChanges, renderLayers }] = await Promise.all([
    import('../../inventory/index.ts'),
    import('../render/layers.ts'),
  ]);
  const contents = await readContents(reference, context, options);
  const report = layerReport(contents);
  const files = options.files === undefined ? undefined : await changesIn(reference, options.files, options, context);
  const base =
    options.base === true ? await (await import('../base-of-image.ts')).baseOfImage(contents, context) : undefined;
  if (options.format === 'table') {
    const { baseLine } = await import('../render/base.ts');
    const stands = base === undefined ? [] : [baseLine(base)];
    context.print(
      [...stands, renderLayers(report), ...(files === undefined ? [] : [renderFileChanges(files)])].join('\n\n'),
    );
    return;
  }
  const layers = report.layers.map((layer, at) => (files === undefined ? layer : { ...layer, files: files[at] ?? [] }));
  context.print(
    json({ reference, digest: contents.digest ?? null, ...(base === undefined ? {} : { base }), ...report, layers }),
  );
}

async function changesIn(
  text: string,
  files: string | true,
  { platform }: LayersOptions,
  context: CliContext,
): Promise<readonly (readonly FileChange[])[]> {
  const [{ directoryLayerCache, fileChanges, globMatches, readLayers }, oci, { openImage }] = await Promise.all([
    import('../../inventory/index.ts'),
    import('../../oci/index.ts'),
    import('../../transport/index.ts'),
  ]);
  const reference = oci.parseReference(text);
  // A root folder has no layers to tell of.
  if (reference.kind === 'dir') return [];
  const image = await openImage(reference, {
    signal: context.signal,
    ...(platform === undefined ? {} : { platform: oci.parsePlatform(platform) }),
  });
  try {
    const records = await readLayers(image, {
      layerCache: directoryLayerCache(join(context.home.cache, 'layers')),
      hashFiles: true,
      signal: context.signal,
    });
    const glob = files === true ? '*' : files.replace(/^\//, '');
    return fileChanges(
      records.map(({ index }) => index),
      (path) => globMatches(glob, path),
    );
  } finally {
    await image.close();
  }
}
