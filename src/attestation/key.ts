import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { messageOf } from '../base/index.ts';
import { isCosignKey, openCosignKey } from './cosign-key.ts';
import { attestationError } from './errors.ts';

export const KEY_ALGORITHMS = ['ecdsa-p256', 'ed25519'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/**
 * What makes signatures. Today a key in a file; asynchronous so that a signer elsewhere (a key service, Fulcio's
 * short-lived certificates) fits too.
 */
export interface Signer {
  readonly key: VerifyKey;
  /** ECDSA: DER over SHA-256. Ed25519: over the bytes themselves. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** A public key that signatures are checked with. */
export interface VerifyKey {
  /** SHA-256 of the key's SubjectPublicKeyInfo (DER), hex: the same for a key however it is written down. */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, PEM. */
  readonly pem: string;
  /** Of the file, for people. */
  readonly name: string;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

const SUPPORTED = 'heraklit signs and verifies with ECDSA P-256 and Ed25519 keys';

/**
 * @param name file name, for messages
 * @param passphrase undefined: none was given
 * @throws ATTESTATION_KEY_INVALID, ATTESTATION_PASSPHRASE_WRONG
 */
export async function privateKeySigner(text: string, name: string, passphrase: string | undefined): Promise<Signer> {
  const key = isCosignKey(text)
    ? createPrivateKey({ key: await openCosignKey(text, passphrase ?? '', name), format: 'der', type: 'pkcs8' })
    : readPem(text, name, passphrase);
  const algorithm = algorithmOf(key, name);
  const hash = algorithm === 'ed25519' ? null : 'sha256';
  return { key: verifyKeyOf(createPublicKey(key), name), sign: async (bytes) => sign(hash, bytes, key) };
}

/**
 * Every public key in a PEM file: several are several trusted keys. A private key's file stands for its public key.
 * @throws ATTESTATION_KEY_INVALID
 */
export function readVerifyKeys(text: string, name: string): readonly VerifyKey[] {
  const blocks = text.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
  if (blocks.length === 0) {
    throw attestationError('ATTESTATION_KEY_INVALID', `${name} holds no public key`, {
      hint: 'Give a PEM file with BEGIN PUBLIC KEY, as `heraklit key generate` and cosign write beside the private one.',
    });
  }
  return blocks.map((block) => {
    try {
      return verifyKeyOf(createPublicKey(block), name);
    } catch (error) {
      throw invalid(name, error);
    }
  });
}

function readPem(text: string, name: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: text, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    // What OpenSSL says of a wrong passphrase differs by cipher; that the file is encrypted does not.
    if (!/ENCRYPTED/.test(text)) throw invalid(name, error);
    const why =
      passphrase === undefined ? 'is encrypted, and no passphrase is given' : 'is not opened by the passphrase';
    throw attestationError('ATTESTATION_PASSPHRASE_WRONG', `${name} ${why}`, {
      cause: error,
      hint: 'Give --passphrase-file, or set HERAKLIT_KEY_PASSPHRASE.',
    });
  }
}

function invalid(name: string, cause: unknown): Error {
  if (cause instanceof Error && 'kind' in cause) return cause;
  return attestationError('ATTESTATION_KEY_INVALID', `${name} holds no usable key: ${messageOf(cause)}`, {
    cause,
    hint: `${SUPPORTED}; make one with \`heraklit key generate\`.`,
  });
}

function algorithmOf(key: KeyObject, name: string): KeyAlgorithm {
  const type = key.asymmetricKeyType;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (type === 'ed25519') return 'ed25519';
  if (type === 'ec' && curve === 'prime256v1') return 'ecdsa-p256';
  throw attestationError(
    'ATTESTATION_KEY_INVALID',
    `${name} is a key of type ${[type, curve ?? []].flat().join(' ')}`,
    {
      hint: `${SUPPORTED}.`,
    },
  );
}

function verifyKeyOf(key: KeyObject, name: string): VerifyKey {
  const algorithm = algorithmOf(key, name);
  const hash = algorithm === 'ed25519' ? null : 'sha256';
  return {
    id: createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    algorithm,
    pem: key.export({ type: 'spki', format: 'pem' }).toString(),
    name,
    verify(bytes, signature) {
      try {
        return verify(hash, bytes, key, signature);
      } catch {
        // A signature that is no DER at all.
        return false;
      }
    },
  };
}
