import type { Command } from 'commander';
import { isHeraklitError, writeFileAtomic } from '../../base/index.ts';
import type { RebaseResult } from '../../build/index.ts';
import type { Reference } from '../../oci/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { addFormat } from '../format-option.ts';

interface RebaseOptions {
  readonly onto: string;
  readonly from?: string;
  readonly output: string;
  readonly baseName?: string;
  readonly report?: string;
  /** False with --no-attach. */
  readonly attach?: boolean;
  readonly format: OutputFormat;
}

const HELP = `
The child's own layers are kept bit for bit and its base's layers are swapped: nothing runs, nothing is unpacked. The
package database (dpkg, apk), lists of accounts, settings, alternatives and the loader's cache that both sides changed
are merged from three sides into one small layer. What cannot be proved to come out as building anew would is refused
with every reason and what to do (exit code 3): docs/rebase.md has the list.

The report (schemas/rebase-report.schema.json) is attached to the image as an in-toto statement, where the target can
hold one (a registry, an OCI layout); its digest stands in the annotation io.heraklit.rebase.report.digest.

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
    .option('--report <file>', 'write the safety report there, also when the rebase is refused')
    .option('--no-attach', 'do not attach the report to the image')
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
  const result = await engine
    .rebaseImage({ child, onto, from, baseName: options.baseName }, workshop)
    .catch(async (error: unknown) => {
      if (isHeraklitError(error, 'REBASE_REFUSED')) await writeReport(options.report, error.details.report);
      throw error;
    });
  await writeReport(options.report, result.report);
  const ofBase = new Set(onto.manifest.layers.map((layer) => layer.digest));
  const origin = {
    open: (digest: typeof child.digest) => (ofBase.has(digest) ? onto : child).blobs.open(digest),
  };
  const image = engine.resolvedFrom(result, engine.storeOver(await workshop.store(), origin));
  await transport.saveImage(image, target, { signal });
  if (options.attach !== false) await attachStatement(target, result, signal);
  const reference = oci.formatReference(target);
  const { strategy, report, statistics } = result;
  context.print(
    options.format === 'json'
      ? JSON.stringify({ source: child.digest, digest: image.digest, reference, strategy, report, statistics })
      : `rebased: ${result.reason}\n${result.changes.length} packages of the base change\n${reference}@${image.digest}`,
  );
}

async function writeReport(file: string | undefined, report: unknown): Promise<void> {
  if (file !== undefined) await writeFileAtomic(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** What BuildKit, too, calls the annotation of a statement. */
const PREDICATE_TYPE = 'in-toto.io/predicate-type';

/** The report as a statement that refers to the image: not signed, as nobody's key is known here. */
async function attachStatement(target: Reference, result: RebaseResult, signal: AbortSignal): Promise<void> {
  if (target.kind !== 'docker' && target.kind !== 'oci') return;
  const [artifact, attestation, oci] = await Promise.all([
    import('../../artifact/index.ts'),
    import('../../attestation/index.ts'),
    import('../../oci/index.ts'),
  ]);
  const { repository } = artifact.openRepository(target, { signal });
  try {
    for (const { type, predicate } of result.predicates ?? []) {
      const image = { name: repository.where, digest: result.descriptor.digest };
      const bytes = oci.serialize(attestation.statementOf(image, type, predicate));
      await artifact.pushArtifact(repository, {
        contents: [artifact.bytesContent(bytes, attestation.IN_TOTO_PAYLOAD)],
        artifactType: attestation.IN_TOTO_PAYLOAD,
        annotations: { [PREDICATE_TYPE]: type },
        subject: result.descriptor,
      });
    }
  } finally {
    repository.close();
  }
}
