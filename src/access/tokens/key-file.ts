import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Home, messageOf, writeFileAtomic } from '../../base/index.ts';
import { accessError } from '../errors.ts';

/** A key that this home signs with. */
export interface SigningKey {
  readonly kid: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly key: KeyObject;
  /** Public JWK, JSON. */
  readonly jwk: string;
}

const pathOf = (home: Home): string => join(home.root, 'access', 'signing-key.json');

/**
 * The home's key; undefined when it has none yet.
 * @throws ACCESS_KEY_BROKEN when the file is damaged, or others than the owner may read it
 */
export async function readSigningKey(home: Home): Promise<SigningKey | undefined> {
  const path = pathOf(home);
  const broken = (why: string): Error =>
    accessError('ACCESS_KEY_BROKEN', `${path} ${why}`, {
      hint: 'Remove the file: a new key is made, and clients ask for new tokens by themselves.',
    });
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) throw broken(`may be read by others (mode ${(mode & 0o777).toString(8)})`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { jwk, created } = JSON.parse(text) as { readonly jwk: JsonWebKey; readonly created: string };
    return signingKey(createPrivateKey({ key: jwk, format: 'jwk' }), Date.parse(created));
  } catch (error) {
    // The parser's message may quote the key.
    throw broken(`is not a signing key (${error instanceof SyntaxError ? 'no JSON' : messageOf(error).slice(0, 40)})`);
  }
}

export async function makeSigningKey(home: Home, now: number): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const content = { created: new Date(now).toISOString(), jwk: privateKey.export({ format: 'jwk' }) };
  await writeFileAtomic(pathOf(home), `${JSON.stringify(content)}\n`, 0o600);
  return signingKey(privateKey, now);
}

function signingKey(key: KeyObject, created: number): SigningKey {
  const { crv, kty, x } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== 'Ed25519' || Number.isNaN(created)) throw new Error('not an Ed25519 key with its time');
  const jwk = JSON.stringify({ crv, kty, x });
  // RFC 7638: members in this order, without spaces.
  return { kid: createHash('sha256').update(jwk).digest('base64url').slice(0, 22), created, key, jwk };
}
