import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat, json } from '../format-option.ts';
import { readContents } from '../image-contents.ts';

const HELP = `
WASTED counts bytes of a layer's files that later layers overwrite or delete: shipped, never seen. Efficiency is the
share of all shipped file bytes that the finished image shows. PACKAGES: + added, ~ changed version, - removed.

Example:
  heraklit layers oci:layout:web
`;

interface LayersOptions {
  readonly format: OutputFormat;
  readonly platform?: string;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<ref>', 'image'))
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .addHelpText('after', HELP)
    .action((reference: string, options: LayersOptions) => run(reference, options, context));
}

async function run(reference: string, options: LayersOptions, context: CliContext): Promise<void> {
  const [{ layerReport }, { renderLayers }] = await Promise.all([
    import('../../inventory/index.ts'),
    import('../render/layers.ts'),
  ]);
  const contents = await readContents(reference, context, options);
  const report = layerReport(contents);
  if (options.format === 'json') context.print(json({ reference, digest: contents.digest ?? null, ...report }));
  else context.print(renderLayers(report));
}
