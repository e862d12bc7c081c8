import { type Envelope, readEnvelope } from './dsse.ts';
import { attestationError } from './errors.ts';
import type { VerifyKey } from './key.ts';

/** https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto */
export const SIGSTORE_BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.3)?\+json/;

export const isBundleType = (mediaType: string | undefined): boolean =>
  mediaType !== undefined && BUNDLE.test(mediaType);

/** A sigstore bundle of an envelope, for a key: without transparency log, which needs Rekor. */
export function bundleBytes(envelope: Envelope, key: VerifyKey): Buffer {
  return Buffer.from(
    JSON.stringify({
      mediaType: SIGSTORE_BUNDLE,
      verificationMaterial: { publicKey: { hint: Buffer.from(key.id, 'hex').toString('base64') } },
      dsseEnvelope: envelope,
    }),
  );
}

/** The envelope in a bundle. @throws ATTESTATION_MALFORMED, also for bundles of plain message signatures */
export function envelopeOfBundle(value: unknown): Envelope {
  const envelope = (value as { readonly dsseEnvelope?: unknown } | null)?.dsseEnvelope;
  if (envelope !== undefined) return readEnvelope(envelope);
  throw attestationError('ATTESTATION_MALFORMED', 'no DSSE envelope in the sigstore bundle', {
    hint: 'Bundles of plain signatures (messageSignature) are not read.',
  });
}
