import { isHeraklitError, messageOf } from '../base/index.ts';
import { type Descriptor, type Digest, MAX_MANIFEST_BYTES, parseManifest } from '../oci/index.ts';
import { ATTESTATION_ARTIFACT, attestationTag, SIGNATURE, SIGNATURE_ARTIFACT, signatureTag } from './attachment.ts';
import { envelopeOfBundle, isBundleType } from './bundle.ts';
import { DSSE_ENVELOPE, type Envelope, envelopeSigners, payloadOf, readEnvelope } from './dsse.ts';
import { attestationError } from './errors.ts';
import type { VerifyKey } from './key.ts';
import { parseSimpleSigning, SIMPLE_SIGNING } from './simple-signing.ts';
import { IN_TOTO_PAYLOAD, isAbout, parseStatement, type Statement } from './statement.ts';

/** An SBOM of a full desktop image stays below this. */
export const MAX_EVIDENCE_BYTES = 64 * 1024 * 1024;
/** Manifests looked into for one image, and layers of each. */
const MAX_MANIFESTS = 1_000;
const MAX_LAYERS = 1_000;

/** Where signatures and attestations of an image lie: one repository. */
export interface EvidenceSource {
  /** Undefined where there is no such tag. */
  tagged(tag: string): Promise<{ readonly digest: Digest; readonly bytes: Buffer } | undefined>;
  /** @throws BLOB_MISSING, ATTESTATION_MALFORMED when it is longer than `limit` bytes */
  manifest(descriptor: Descriptor, limit: number): Promise<Buffer>;
  blob(digest: Digest, limit: number): Promise<Buffer>;
  referrers(digest: Digest): Promise<readonly Descriptor[]>;
}

/** Something a trusted key says of the image. */
export type Evidence =
  | { readonly kind: 'signature'; readonly keys: readonly VerifyKey[]; readonly reference: string; readonly in: Digest }
  | {
      readonly kind: 'attestation';
      readonly keys: readonly VerifyKey[];
      readonly statement: Statement;
      readonly in: Digest;
      readonly layer: Digest;
    };

/** Something that counts for nothing, and why. */
export interface Refused {
  readonly in: Digest;
  readonly predicateType?: string;
  readonly reason: string;
}

export interface Collected {
  readonly evidence: readonly Evidence[];
  readonly refused: readonly Refused[];
}

const UNTRUSTED = 'no trusted key signed it';

/**
 * Every signature and attestation of an image that a trusted key made, in whichever of the known forms. One that cannot
 * be read or is of another key is told, and hinders none of the others.
 */
export async function collectEvidence(
  source: EvidenceSource,
  image: Digest,
  trusted: readonly VerifyKey[],
): Promise<Collected> {
  const evidence = new Map<string, Evidence>();
  const refused = new Map<string, Refused>();
  for (const { digest, bytes } of await manifestsOf(source, image, refused)) {
    let layers: readonly Descriptor[];
    try {
      layers = layersOf(bytes);
    } catch (error) {
      refused.set(digest, { in: digest, reason: messageOf(error) });
      continue;
    }
    for (const layer of layers) {
      // The same layer is named by its referrer and by the tag.
      const name = `${layer.digest} ${layer.annotations?.[SIGNATURE] ?? ''}`;
      if (evidence.has(name)) continue;
      const found = await readLayer(source, layer, { image, in: digest, trusted });
      if (found === undefined) continue;
      if ('reason' in found) refused.set(name, found);
      else evidence.set(name, found);
    }
  }
  return { evidence: [...evidence.values()], refused: [...refused.values()] };
}

function layersOf(bytes: Buffer): readonly Descriptor[] {
  const { layers } = parseManifest(bytes);
  if (layers.length <= MAX_LAYERS) return layers;
  throw attestationError('ATTESTATION_MALFORMED', `it has over ${MAX_LAYERS} layers`);
}

async function manifestsOf(
  source: EvidenceSource,
  image: Digest,
  refused: Map<string, Refused>,
): Promise<readonly { readonly digest: Digest; readonly bytes: Buffer }[]> {
  const found = new Map<Digest, Buffer>();
  const listed = (await source.referrers(image)).filter(({ artifactType }) => isEvidence(artifactType));
  if (listed.length > MAX_MANIFESTS) {
    throw attestationError('ATTESTATION_MALFORMED', `${image} has over ${MAX_MANIFESTS} signatures and attestations`, {
      hint: 'Remove what is not needed: `heraklit artifact discover` lists it.',
    });
  }
  for (const descriptor of listed) {
    try {
      found.set(descriptor.digest, await source.manifest(descriptor, MAX_MANIFEST_BYTES));
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      refused.set(descriptor.digest, { in: descriptor.digest, reason: error.message });
    }
  }
  for (const tag of [signatureTag(image), attestationTag(image)]) {
    const tagged = await source.tagged(tag);
    if (tagged !== undefined) found.set(tagged.digest, tagged.bytes);
  }
  return [...found].map(([digest, bytes]) => ({ digest, bytes }));
}

/** Of the kinds that hold signatures; other artifacts (Helm charts, plain SBOMs) are nothing to verify. */
export const isEvidence = (artifactType: string | undefined): boolean =>
  artifactType === SIGNATURE_ARTIFACT || artifactType === ATTESTATION_ARTIFACT || isBundleType(artifactType);

interface Place {
  readonly image: Digest;
  readonly in: Digest;
  readonly trusted: readonly VerifyKey[];
}

async function readLayer(
  source: EvidenceSource,
  layer: Descriptor,
  place: Place,
): Promise<Evidence | Refused | undefined> {
  const { mediaType } = layer;
  if (mediaType !== SIMPLE_SIGNING && mediaType !== DSSE_ENVELOPE && !isBundleType(mediaType)) return undefined;
  try {
    const bytes = await source.blob(layer.digest, Math.min(layer.size, MAX_EVIDENCE_BYTES));
    if (mediaType === SIMPLE_SIGNING) return readSignature(bytes, layer, place);
    const value = jsonOf(bytes);
    return readStatement(mediaType === DSSE_ENVELOPE ? readEnvelope(value) : envelopeOfBundle(value), layer, place);
  } catch (error) {
    if (!isHeraklitError(error)) throw error;
    return { in: place.in, reason: error.message };
  }
}

function readSignature(bytes: Buffer, layer: Descriptor, place: Place): Evidence | Refused {
  const signature = Buffer.from(layer.annotations?.[SIGNATURE] ?? '', 'base64');
  const keys = place.trusted.filter((key) => key.verify(bytes, signature));
  if (keys.length === 0) return { in: place.in, reason: UNTRUSTED };
  const { digest, reference } = parseSimpleSigning(bytes);
  if (digest !== place.image) return { in: place.in, reason: `it is of another image, ${digest}` };
  return { kind: 'signature', keys, reference, in: place.in };
}

function readStatement(envelope: Envelope, layer: Descriptor, place: Place): Evidence | Refused {
  const keys = envelopeSigners(envelope, place.trusted);
  const said = layer.annotations?.predicateType;
  const named = said === undefined ? {} : { predicateType: said };
  if (keys.length === 0) return { in: place.in, ...named, reason: UNTRUSTED };
  if (envelope.payloadType !== IN_TOTO_PAYLOAD)
    return { in: place.in, ...named, reason: `its payload is ${envelope.payloadType}` };
  const statement = parseStatement(payloadOf(envelope));
  const { predicateType } = statement;
  if (!isAbout(statement, place.image)) return { in: place.in, predicateType, reason: 'it is of another image' };
  return { kind: 'attestation', keys, statement, in: place.in, layer: layer.digest };
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw attestationError('ATTESTATION_MALFORMED', 'it is not JSON', { cause: error });
  }
}
