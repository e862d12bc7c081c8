import { type Command, Option } from 'commander';
import type { CliContext } from '../context.ts';
import { readContents } from '../image-contents.ts';
import { documentOf, loadFormats, type SbomFormat } from '../sbom-document.ts';

const HELP = `
The document depends on the image alone: made twice, anywhere, it is the same bytes (serial number from the image's
digest, time from its config).

From \`sbom:FILE\` it reads CycloneDX (JSON, XML) and SPDX (2.2, 2.3, 3.0) of any tool, and writes what it understood;
\`scan\`, \`outdated\` and \`diff\` take the same in place of an image.

Examples:
  heraklit sbom oci:layout:web > web.cdx.json
  heraklit sbom oci:layout:web --format spdx -o web.spdx.json
  heraklit sbom sbom:vendor.spdx.json > vendor.cdx.json
`;

interface SbomCommandOptions {
  readonly format: SbomFormat;
  readonly output?: string;
  readonly platform?: string;
}

export function register(command: Command, context: CliContext): void {
  command
    .argument('<ref>', 'image, root folder, or sbom:FILE to convert one')
    .addOption(
      new Option('--format <format>', 'CycloneDX 1.6, SPDX 2.3 (spdx) or SPDX 3.0.1 (spdx3), all JSON')
        .choices(['cyclonedx', 'spdx', 'spdx3'])
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
