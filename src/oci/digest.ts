import { createHash } from 'node:crypto';
import { ociError } from './errors.ts';

/** `sha256:<64 hex>` or `sha512:<128 hex>` (OCI image-spec, descriptor.md#digests). */
export type Digest = `sha256:${string}` | `sha512:${string}`;

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** @throws OCI_DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw ociError('OCI_DIGEST_INVALID', `not a digest: ${JSON.stringify(text.slice(0, 150))}`, {
    hint: 'Expected sha256: followed by 64 lower-case hexadecimal digits.',
  });
}

export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

/** The hexadecimal part. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** sha256 digest of bytes in memory. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
