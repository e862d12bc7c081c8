import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { readContents } from '../image-contents.ts';
import type { SbomFormat } from '../sbom-document.ts';
import { keepHeapSmall } from '../small-heap.ts';

const HELP = `
References: oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:ROOTFS,
            [docker://]HOST/REPOSITORY[:TAG|@DIGEST], sbom:FILE (what a CycloneDX or SPDX document says)

Nothing is unpacked and nothing runs. Each layer is read once and remembered by its digest: the second scan, and that
of any image which shares layers, takes milliseconds. What could not be read is listed as incomplete.

Packages of languages (npm, Python, Java, Go, Rust, Ruby, PHP, .NET, Perl, R, Erlang, conda) come from what installers
leave in the image. One that a package of the distribution brought is counted there; \`--format json\` lists it with
its \`owner\`. \`declared\` ones stand in a lock file, and nothing shows that they are there.

USED (usage, linkedBy in JSON): the image's command, or what it is linked against, is of this package (entry point);
some program is linked against it (program), or some library or plug-in (library). What programs open while they run
is not seen here: heraklit agent sees it. See docs/usage-of-packages.md.

--base asks the inventory what a recorded image stands on: by recipe, annotation or layers; else which known base its
packages look like, with a score (score, same, named, packages in JSON). Nothing ever acts on such a guess.

Examples:
  heraklit scan oci:layout:web
  heraklit scan registry.example.com/team/app:1 --format cyclonedx > app.cdx.json
`;

interface ScanOptions {
  readonly format: 'table' | 'json' | SbomFormat;
  readonly platform?: string;
  readonly record?: boolean;
  readonly base?: boolean;
  readonly packages: string;
}

const KINDS = ['os', 'language', 'all'] as const;

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('<ref>', 'image or root folder'), ['table', 'json', 'cyclonedx', 'spdx', 'spdx3'])
    .option('--platform <os/arch>', 'image of a multi-platform index to read (default: this machine’s)')
    .option('--packages <kind>', 'which to show: os, language, all', 'all')
    .option('--record', 'also put it into the inventory, where `where` and `outdated --all` find it')
    .option('--base', 'also which image of the inventory it stands on')
    .addHelpText('after', HELP)
    .action((reference: string, options: ScanOptions) => run(reference, options, context));
}

async function run(reference: string, options: ScanOptions, context: CliContext): Promise<void> {
  keepHeapSmall();
  const shown = KINDS.find((kind) => kind === options.packages);
  if (shown === undefined) {
    throw cliError('CLI_USAGE', `--packages takes ${KINDS.join(', ')}, not ${JSON.stringify(options.packages)}`);
  }
  const { format } = options;
  const document = format === 'table' || format === 'json' ? undefined : format;
  const all = await readContents(reference, context, {
    ...(options.platform === undefined ? {} : { platform: options.platform }),
    usage: document === undefined || options.record === true,
    systemOnly: shown === 'os' && options.record !== true,
    ...(document !== undefined ? { meanwhile: async () => (await import('../sbom-document.ts')).loadFormats() } : {}),
  });
  if (options.record === true) {
    const { recordContents } = await import('../record-contents.ts');
    await recordContents(reference, all, context);
  }
  const contents = {
    ...all,
    ...(shown === 'language' ? { packages: [] } : {}),
    ...(shown === 'os' ? { languagePackages: [] } : {}),
  };
  if (document !== undefined) {
    const { documentOf } = await import('../sbom-document.ts');
    context.print(await documentOf(document, reference, contents));
    return;
  }
  const { renderScan, scanJson } = await import('../render/scan.ts');
  const base =
    options.base === true ? await (await import('../base-of-image.ts')).baseOfImage(all, context) : undefined;
  const view = { reference, contents, shown, ...(base === undefined ? {} : { base }) };
  context.print(format === 'json' ? json(scanJson(view)) : renderScan(view));
}
