import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform } from 'node:stream';
import { type Digest, digestAlgorithm, digestHex, ociError } from '../oci/index.ts';

/**
 * Passes bytes on while hashing them; the returned stream errors with OCI_DIGEST_MISMATCH instead of ending when they
 * are not what the digest (and the size, where known) says. Destroying either side destroys the other.
 */
export function verifying(content: Readable, digest: Digest, size?: number): Readable {
  const hash = createHash(digestAlgorithm(digest));
  let seen = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (size !== undefined && seen > size) return done(lengthMismatch(digest, size, `more than ${size}`));
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      if (size !== undefined && seen !== size) return done(lengthMismatch(digest, size, String(seen)));
      done(hash.digest('hex') === digestHex(digest) ? null : digestMismatch(digest));
    },
  });
  pipeline(content, check, () => {});
  return check;
}

const DAMAGED = 'It was damaged where it lies or on the way; fetch or copy it again.';

export function digestMismatch(digest: Digest, found?: string): Error {
  return ociError(
    'OCI_DIGEST_MISMATCH',
    `the bytes of blob ${digest} do not hash to it${found === undefined ? '' : ` but to ${found}`}`,
    { hint: DAMAGED, details: { digest } },
  );
}

export function lengthMismatch(digest: Digest, size: number, found: string): Error {
  return ociError('OCI_DIGEST_MISMATCH', `blob ${digest} should have ${size} bytes, found ${found}`, {
    hint: DAMAGED,
    details: { digest, size },
  });
}
