import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { ArtifactRepository } from '../../artifact/index.ts';
import type { Collected, Evidence, Signer } from '../../attestation/index.ts';
import type { Descriptor } from '../../oci/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { renderEvidence } from '../render/evidence.ts';
import { signerFrom, trustedKeys } from '../signing-keys.ts';

const HELP = `
Signatures and attestations lie beside the image they are about, in a registry or an OCI layout, in the forms that
cosign, podman and policy controllers read (docs/attestations.md). "heraklit run" and "serve" make them of every image
when the fleet file has "signing"; these commands are for images of any origin.

Examples:
  heraklit attest sign registry.example.com/shop/web:1 --key fleet.key
  heraklit attest attach registry.example.com/shop/web:1 --key fleet.key --type cyclonedx --predicate web.cdx.json
  heraklit attest verify registry.example.com/shop/web:1 --key fleet.pub --type slsaprovenance1 --type cyclonedx
  heraklit attest list registry.example.com/shop/web:1
  heraklit attest show registry.example.com/shop/web:1 --key fleet.pub --type slsaprovenance1

Exit code 3 when what is demanded is not there or not by a trusted key.
`;

/** A predicate is an SBOM at most. */
const MAX_PREDICATE = 48 * 1024 * 1024;

interface AccessOptions {
  readonly insecure?: boolean;
  readonly platform?: string;
  readonly format: OutputFormat;
}

interface VerifyOptions extends AccessOptions {
  readonly key: readonly string[];
  readonly type: readonly string[];
  /** False with --no-signature. */
  readonly signature?: boolean;
}

interface SignOptions extends AccessOptions {
  readonly key: string;
  readonly passphraseFile?: string;
  readonly annotation: readonly string[];
}

interface AttachOptions extends SignOptions {
  readonly type: string;
  readonly predicate: string;
  readonly bundle?: boolean;
}

const list = (text: string, before: readonly string[]): readonly string[] => [...before, text];
const repeatable = (flags: string, about: string): Option =>
  new Option(flags, `${about}; repeatable`).argParser(list).default([] as readonly string[], 'none');

export function register(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP);
  on(command, 'list', 'signatures and attestations of an image')
    .addOption(repeatable('--key <file>', 'public key: say which of them it made'))
    .action((ref: string, options: VerifyOptions) => show(ref, options, context));
  on(command, 'verify', 'check signature and attestations of an image')
    .addOption(repeatable('--key <file>', 'public key that is trusted'))
    .addOption(repeatable('--type <type>', 'attestation that must be there: a short name or a URI'))
    .option('--no-signature', 'attestations are enough')
    .action((ref: string, options: VerifyOptions) => verify(ref, options, context));
  on(command, 'show', 'the statement of an attestation, verified, as JSON')
    .addOption(repeatable('--key <file>', 'public key that is trusted'))
    .addOption(repeatable('--type <type>', 'attestation to print'))
    .action((ref: string, options: VerifyOptions) => print(ref, options, context));
  signing(on(command, 'sign', 'sign an image'))
    .addOption(repeatable('--annotation <key=value>', 'signed along'))
    .action((ref: string, options: SignOptions) => sign(ref, options, context));
  signing(on(command, 'attach', 'sign a statement about an image and attach it'))
    .requiredOption('--type <type>', 'what the predicate is: a short name or a URI')
    .requiredOption('--predicate <file>', 'JSON file')
    .option('--bundle', 'as a sigstore bundle, too')
    .action((ref: string, options: AttachOptions) => attach(ref, options, context));
}

const on = (command: Command, name: string, description: string): Command =>
  addFormat(command.command(name))
    .description(description)
    .argument('<ref>', 'image')
    .option('--platform <os/arch>', 'this platform’s image of an index, not the index')
    .addOption(new Option('--insecure', 'speak plain HTTP, or TLS without checking the certificate'));

const signing = (command: Command): Command =>
  command
    .requiredOption('--key <file>', 'private key: PEM or cosign.key')
    .option('--passphrase-file <file>', 'its first line; else HERAKLIT_KEY_PASSPHRASE or COSIGN_PASSWORD');

interface Opened {
  readonly repository: ArtifactRepository;
  readonly subject: Descriptor;
  /** `HOST/REPOSITORY`. */
  readonly where: string;
}

const load = () => Promise.all([import('../../artifact/index.ts'), import('../../attestation/index.ts')]);

async function within<T>(
  text: string,
  options: AccessOptions,
  context: CliContext,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const [artifact, oci] = await Promise.all([import('../../artifact/index.ts'), import('../../oci/index.ts')]);
  const { repository, name } = artifact.openRepository(oci.parseReference(text), {
    signal: context.signal,
    onWarning: (warning) => context.log.warn(`the registry says: ${warning}`),
    ...(options.insecure === undefined ? {} : { insecure: options.insecure }),
  });
  try {
    const platform = options.platform === undefined ? undefined : oci.parsePlatform(options.platform);
    const subject = await artifact.subjectOf(repository, name, platform);
    return await work({ repository, subject, where: repository.where });
  } finally {
    repository.close();
  }
}

async function collect({ repository, subject }: Opened, keys: readonly string[]): Promise<Collected> {
  const [{ evidenceOf }] = await load();
  return evidenceOf(repository, subject.digest, keys.length === 0 ? [] : await trustedKeys(keys));
}

async function show(text: string, options: VerifyOptions, context: CliContext): Promise<void> {
  await within(text, options, context, async (opened) => {
    report(opened.subject, await collect(opened, options.key), options, context);
  });
}

async function verify(text: string, options: VerifyOptions, context: CliContext): Promise<void> {
  const { demandEvidence, predicateType } = (await load())[1];
  await within(text, options, context, async (opened) => {
    await trustedKeys(options.key);
    const collected = await collect(opened, options.key);
    const demand = { signature: options.signature ?? true, predicateTypes: options.type.map(predicateType) };
    demandEvidence(`${opened.where}@${opened.subject.digest}`, collected, demand);
    report(opened.subject, collected, options, context);
  });
}

async function print(text: string, options: VerifyOptions, context: CliContext): Promise<void> {
  const { demandEvidence, predicateType } = (await load())[1];
  await within(text, options, context, async (opened) => {
    await trustedKeys(options.key);
    const predicateTypes = options.type.map(predicateType);
    const collected = await collect(opened, options.key);
    const evidence = demandEvidence(`${opened.where}@${opened.subject.digest}`, collected, {
      signature: false,
      predicateTypes,
      failedTests: true,
    });
    const statements = evidence.flatMap((one) => (one.kind === 'attestation' ? [one.statement] : []));
    const wanted = statements.filter(
      (one) => predicateTypes.length === 0 || predicateTypes.includes(one.predicateType),
    );
    context.print(json(wanted.length === 1 ? wanted[0] : wanted));
  });
}

function report(subject: Descriptor, collected: Collected, { format }: AccessOptions, context: CliContext): void {
  const { evidence, refused } = collected;
  context.print(
    format === 'json'
      ? json({ image: subject.digest, evidence: evidence.map(factsOf), refused })
      : renderEvidence(subject.digest, collected),
  );
}

function factsOf(one: Evidence): object {
  const keys = one.keys.map(({ id, name }) => ({ id, name }));
  if (one.kind === 'signature') return { kind: one.kind, keys, reference: one.reference, in: one.in };
  return { kind: one.kind, keys, predicateType: one.statement.predicateType, in: one.in, layer: one.layer };
}

async function sign(text: string, options: SignOptions, context: CliContext): Promise<void> {
  const [artifact, attestation] = await load();
  const signer = await signerFrom(options.key, options.passphraseFile);
  const optional = artifact.parseAnnotations(options.annotation);
  await within(text, options, context, async ({ repository, subject, where }) => {
    const { evidence } = await artifact.evidenceOf(repository, subject.digest, [signer.key]);
    const signed = evidence.some((one) => one.kind === 'signature');
    if (!signed || Object.keys(optional).length > 0) {
      const earlier = await artifact.layersUnder(repository, attestation.signatureTag(subject.digest));
      await artifact.pushAttachment(
        repository,
        await attestation.signatureAttachment(signer, { reference: where, subject, optional }, earlier),
      );
    }
    told(subject, signer, signed ? 'signed by this key already' : 'signed', options, context);
  });
}

async function attach(text: string, options: AttachOptions, context: CliContext): Promise<void> {
  const [artifact, attestation] = await load();
  const signer = await signerFrom(options.key, options.passphraseFile);
  const predicate = await readPredicate(options.predicate);
  await within(text, options, context, async ({ repository, subject, where }) => {
    const statement = attestation.statementOf(
      { name: where, digest: subject.digest },
      attestation.predicateType(options.type),
      predicate,
    );
    const signed = await attestation.signStatement(signer, statement);
    const tag = attestation.attestationTag(subject.digest);
    const earlier = await artifact.layersUnder(repository, tag);
    await artifact.pushAttachment(repository, attestation.attestationAttachment(signer, subject, [signed]));
    await artifact.pushAttachment(
      repository,
      attestation.attestationTagAttachment(subject.digest, [...earlier, signed.descriptor]),
    );
    if (options.bundle === true)
      await artifact.pushAttachment(repository, attestation.bundleAttachment(signer, subject, signed));
    told(subject, signer, `attested ${statement.predicateType}`, options, context);
  });
}

function told(subject: Descriptor, signer: Signer, what: string, options: AccessOptions, context: CliContext): void {
  const { id } = signer.key;
  context.print(
    options.format === 'json'
      ? json({ image: subject.digest, key: id, what })
      : `${subject.digest}  ${what}  key ${id}`,
  );
}

async function readPredicate(file: string): Promise<object> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw cliError('CLI_USAGE', `${file} cannot be read`, { cause: error, hint: 'Name a JSON file.' });
  });
  const bad = (why: string, cause?: unknown): Error =>
    cliError('CLI_USAGE', `${file} ${why}`, { cause, hint: 'A predicate is a JSON object.' });
  if (bytes.length > MAX_PREDICATE) throw bad(`has over ${MAX_PREDICATE} bytes`);
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw bad('is not JSON', error);
  }
  throw bad('is no JSON object');
}
