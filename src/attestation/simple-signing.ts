import type { Digest } from '../oci/index.ts';
import { attestationError } from './errors.ts';

/** https://github.com/containers/image/blob/main/docs/containers-signature.5.md, as cosign and podman read it. */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';
const TYPE = 'cosign container image signature';

export interface SimpleSigning {
  /** `HOST/REPOSITORY` as it was signed. */
  readonly reference: string;
  readonly digest: Digest;
  readonly optional: Readonly<Record<string, unknown>>;
}

/** In the order of members that cosign writes. */
export function simpleSigningBytes({ reference, digest, optional }: SimpleSigning): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: TYPE,
  };
  return Buffer.from(JSON.stringify({ critical, optional: Object.keys(optional).length === 0 ? null : optional }));
}

/** @throws ATTESTATION_MALFORMED */
export function parseSimpleSigning(bytes: Uint8Array): SimpleSigning {
  const bad = (why: string): Error => attestationError('ATTESTATION_MALFORMED', `no signature payload: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw bad('it is not JSON');
  }
  const { critical, optional } = (value ?? {}) as {
    readonly critical?: {
      readonly identity?: Record<string, unknown>;
      readonly image?: Record<string, unknown>;
      readonly type?: unknown;
    };
    readonly optional?: Record<string, unknown> | null;
  };
  const digest = critical?.image?.['docker-manifest-digest'];
  const reference = critical?.identity?.['docker-reference'];
  if (critical?.type !== TYPE && critical?.type !== 'atomic container signature') throw bad('it is of another type');
  if (typeof digest !== 'string' || typeof reference !== 'string') throw bad('it names no image');
  return { reference, digest: digest as Digest, optional: optional ?? {} };
}
