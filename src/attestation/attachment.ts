import {
  type Descriptor,
  type Digest,
  digestHex,
  digestOf,
  type ImageManifest,
  MediaType,
  serialize,
} from '../oci/index.ts';
import { bundleBytes, SIGSTORE_BUNDLE } from './bundle.ts';
import { DSSE_ENVELOPE, type Envelope, signEnvelope } from './dsse.ts';
import type { Signer } from './key.ts';
import { SIMPLE_SIGNING, simpleSigningBytes } from './simple-signing.ts';
import { IN_TOTO_PAYLOAD, type Statement, statementBytes } from './statement.ts';

/** What cosign asks referrers for (`--experimental-oci11`). */
export const SIGNATURE_ARTIFACT = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const ATTESTATION_ARTIFACT = 'application/vnd.dev.cosign.artifact.att.v1+json';
export const SIGNATURE = 'dev.cosignproject.cosign/signature';
const PREDICATE_TYPE = 'predicateType';
/** Of manifests made here: the key that signed, so that what is signed already is known without reading it. */
export const KEY_ID = 'io.heraklit.attestation.key';
const BUNDLE_CONTENT = 'dev.sigstore.bundle.content';
const BUNDLE_PREDICATE = 'dev.sigstore.bundle.predicateType';

const EMPTY_BYTES = Buffer.from('{}');
const EMPTY: Descriptor = { mediaType: MediaType.empty, digest: digestOf(EMPTY_BYTES), size: EMPTY_BYTES.length };

/** Bytes under their descriptor. */
export interface AttachedBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** A manifest that says something of an image, with the blobs it needs. */
export interface Attachment {
  readonly manifest: AttachedBlob;
  /** Config and layers made here; layers that were there already are only named. */
  readonly blobs: readonly AttachedBlob[];
  /** Config and layers. */
  readonly names: readonly Descriptor[];
  readonly subject: Digest | undefined;
  readonly tag: string | undefined;
}

/** Tags under which cosign and podman look for what they know nothing else of. */
export const signatureTag = (digest: Digest): string => `sha256-${digestHex(digest)}.sig`;
export const attestationTag = (digest: Digest): string => `sha256-${digestHex(digest)}.att`;

interface Parts {
  readonly subject: Descriptor | undefined;
  readonly artifactType: string;
  readonly layers: readonly Descriptor[];
  readonly made: readonly AttachedBlob[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly tag: string | undefined;
}

function attachmentOf({ subject, artifactType, layers, made, annotations, tag }: Parts): Attachment {
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    artifactType,
    config: EMPTY,
    layers,
    annotations,
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
  };
  const bytes = serialize(manifest);
  const { mediaType } = MANIFEST;
  return {
    manifest: {
      descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length, artifactType, annotations },
      bytes,
    },
    blobs: [{ descriptor: EMPTY, bytes: EMPTY_BYTES }, ...made],
    names: [EMPTY, ...layers],
    subject: subject?.digest,
    tag,
  };
}

const MANIFEST = { mediaType: MediaType.manifest } as const;

export interface ImageToSign {
  /** `HOST/REPOSITORY`, or `REPOSITORY` where no host is known. */
  readonly reference: string;
  readonly subject: Descriptor;
  readonly optional?: Readonly<Record<string, unknown>>;
}

/**
 * The image's signature as one manifest that is found both ways: by the tag `sha256-….sig`, and as a referrer.
 * @param earlier layers of the manifest that has the tag now: other people's signatures stay
 */
export async function signatureAttachment(
  signer: Signer,
  { reference, subject, optional = {} }: ImageToSign,
  earlier: readonly Descriptor[] = [],
): Promise<Attachment> {
  const bytes = simpleSigningBytes({ reference, digest: subject.digest, optional });
  const signature = await signer.sign(bytes);
  const descriptor: Descriptor = {
    mediaType: SIMPLE_SIGNING,
    digest: digestOf(bytes),
    size: bytes.length,
    annotations: { [SIGNATURE]: signature.toString('base64') },
  };
  return attachmentOf({
    subject,
    artifactType: SIGNATURE_ARTIFACT,
    layers: [...earlier, descriptor],
    made: [{ descriptor, bytes }],
    annotations: { [KEY_ID]: signer.key.id },
    tag: signatureTag(subject.digest),
  });
}

export interface SignedStatement extends AttachedBlob {
  readonly envelope: Envelope;
  readonly predicateType: string;
}

/** A statement in its signed envelope, as a layer. */
export async function signStatement(signer: Signer, statement: Statement): Promise<SignedStatement> {
  const envelope = await signEnvelope(IN_TOTO_PAYLOAD, statementBytes(statement), signer);
  const bytes = Buffer.from(JSON.stringify(envelope));
  const { predicateType } = statement;
  const annotations = { [SIGNATURE]: '', [PREDICATE_TYPE]: predicateType };
  const descriptor = { mediaType: DSSE_ENVELOPE, digest: digestOf(bytes), size: bytes.length, annotations };
  return { descriptor, bytes, envelope, predicateType };
}

/** Statements as one referrer of the image. */
export function attestationAttachment(
  signer: Signer,
  subject: Descriptor,
  statements: readonly SignedStatement[],
): Attachment {
  return attachmentOf({
    subject,
    artifactType: ATTESTATION_ARTIFACT,
    layers: statements.map(({ descriptor }) => descriptor),
    made: statements,
    annotations: {
      [KEY_ID]: signer.key.id,
      [PREDICATE_TYPE]: statements.map(({ predicateType }) => predicateType).join(' '),
    },
    tag: undefined,
  });
}

/**
 * The manifest that the tag `sha256-….att` names: every statement there is of the image. It has no subject: each of
 * them is a layer of a referrer already, and would be listed twice.
 */
export function attestationTagAttachment(subject: Digest, layers: readonly Descriptor[]): Attachment {
  return attachmentOf({
    subject: undefined,
    artifactType: ATTESTATION_ARTIFACT,
    layers,
    made: [],
    annotations: {},
    tag: attestationTag(subject),
  });
}

/** A statement as a sigstore bundle, which cosign's `--new-bundle-format` and policy controllers read. */
export function bundleAttachment(signer: Signer, subject: Descriptor, statement: SignedStatement): Attachment {
  const bytes = bundleBytes(statement.envelope, signer.key);
  const descriptor = { mediaType: SIGSTORE_BUNDLE, digest: digestOf(bytes), size: bytes.length };
  return attachmentOf({
    subject,
    artifactType: SIGSTORE_BUNDLE,
    layers: [descriptor],
    made: [{ descriptor, bytes }],
    annotations: {
      [KEY_ID]: signer.key.id,
      [BUNDLE_CONTENT]: 'dsse-envelope',
      [BUNDLE_PREDICATE]: statement.predicateType,
    },
    tag: undefined,
  });
}
