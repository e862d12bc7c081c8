import { type Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { readContents } from '../image-contents.ts';
import { documentOf, loadFormats, type SbomFormat } from '../sbom-document.ts';

const HELP = `
The document depends on the image alone: made twice, anywhere, it is the same bytes (serial number from the image's
digest, time from its config).

Examples:
  heraklit sbom oci:layout:web > web.cdx.json
  heraklit sbom oci:layout:web --format spdx -o web.spdx.json
`;

interface SbomCommandOptions {
  readonly format: SbomFormat;
  readonly output?: string;
  readonly platform?: string;
}

export function register(command: Command, context: CliContext): void {
  command
    .argument('<ref>', 'image or root folder')
    .addOption(
      new Option('--format <format>', 'CycloneDX 1.6 or SPDX 2.3, both JSON')
        .choices(['cyclonedx', 'spdx'])
        .default('cyclonedx'),
    )
    .option('-o, --output <file>', 'write it there (whole or not at all) instead of to stdout')
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .addHelpText('after', HELP)
    .action((reference: string, options: SbomCommandOptions) => run(reference, options, context));
}

async function run(reference: string, options: SbomCommandOptions, context: CliContext): Promise<void> {
  const contents = await readContents(reference, context, { ...options, meanwhile: loadFormats });
  const document = await documentOf(options.format, reference, contents);
  if (options.output === undefined) {
    context.print(document);
    return;
  }
  const { writeFileAtomic } = await import('../../base/index.ts');
  await writeFileAtomic(options.output, `${document}\n`);
}
