import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../base/index.ts';
import { feedError } from '../errors.ts';

/** Ed25519 (RFC 8032): 64 bytes, the same for the same content and key. */
export const SIGNATURE_BYTES = 64;

const HINT =
  'Make a pair with: openssl genpkey -algorithm ed25519 -out bundle.key && openssl pkey -in bundle.key -pubout -out bundle.pub';

async function readKey(path: string, kind: 'private' | 'public'): Promise<KeyObject> {
  try {
    const pem = await readFile(path, 'utf8');
    const key = kind === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of type ${key.asymmetricKeyType}`);
    return key;
  } catch (error) {
    throw feedError('FEED_KEY_INVALID', `${path} holds no ${kind} ed25519 key in PEM form: ${messageOf(error)}`, {
      cause: error,
      hint: HINT,
    });
  }
}

/** @throws FEED_KEY_INVALID */
export const readPrivateKey = (path: string): Promise<KeyObject> => readKey(path, 'private');

/** A private key's file gives its public half too. @throws FEED_KEY_INVALID */
export const readPublicKey = (path: string): Promise<KeyObject> => readKey(path, 'public');

export const signBytes = (bytes: Uint8Array, key: KeyObject): Buffer => sign(null, bytes, key);

export const isSignedBy = (bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean =>
  signature.length === SIGNATURE_BYTES && verify(null, bytes, key, signature);
