import type { Command } from 'commander';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { readContents } from '../image-contents.ts';

const HELP = `
Packages, config and files that differ; + only in the second, - only in the first, ~ changed. Files are compared by
content, owner, mode, links and attributes; a newer time alone is no difference.
With --exit-code: 1 when they differ.

Example:
  heraklit diff oci:layout:web-1 oci:layout:web-2
`;

interface DiffCommandOptions {
  readonly format: OutputFormat;
  readonly platform?: string;
  readonly limit: string;
  readonly exitCode?: boolean;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<ref>', 'first image').argument('<ref2>', 'second image'))
    .option('--limit <n>', 'paths listed per kind of change', '1000')
    .option('--exit-code', 'exit with 1 when the images differ')
    .option('--platform <os/arch>', 'images of multi-platform indexes to read (default: this machine’s)')
    .addHelpText('after', HELP)
    .action((before: string, after: string, options: DiffCommandOptions) => run(before, after, options, context));
}

async function run(before: string, after: string, options: DiffCommandOptions, context: CliContext): Promise<void> {
  const maxPaths = Number(options.limit);
  if (!Number.isSafeInteger(maxPaths) || maxPaths < 0) {
    throw cliError('CLI_USAGE', `--limit takes a whole number, not ${JSON.stringify(options.limit)}`);
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
