import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';

/** A file of etc/apk/keys. */
export interface ApkKeyFile {
  /** Signatures name it: `alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`. */
  readonly name: string;
  /** PEM. */
  readonly content: string;
}

interface ApkKey {
  readonly name: string;
  readonly key: KeyObject;
  /** What v3 signatures name it by: the first 16 bytes of the SHA-512 of its public part, hexadecimal. */
  readonly fingerprint: string;
}

/** Public keys that may sign packages and indexes. */
export interface ApkKeyring {
  /** What to call it in messages. */
  readonly name: string;
  /** Changes when any key does: what a remembered verdict is bound to. */
  readonly id: string;
  readonly keys: readonly ApkKey[];
}

/** As OpenSSL's i2d_PublicKey writes it: PKCS#1 for RSA, the bare point for elliptic curves. */
function publicPart(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' });
  const { x, y } = key.export({ format: 'jwk' });
  const [left, right] = [Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url')];
  return key.asymmetricKeyType === 'ec' ? Buffer.concat([Buffer.from([4]), left, right]) : left;
}

function readKey({ name, content }: ApkKeyFile, keyring: string): ApkKey {
  try {
    const key = createPublicKey({ key: content, format: 'pem' });
    return { name, key, fingerprint: createHash('sha512').update(publicPart(key)).digest('hex').slice(0, 32) };
  } catch (error) {
    throw distroError(
      'DISTRO_KEYRING_INVALID',
      `key ${name} of keyring ${keyring} is not readable: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'A key is a PEM file as in /etc/apk/keys; its file name must be the one that signatures name.',
      },
    );
  }
}

/** @throws DISTRO_KEYRING_INVALID */
export function readApkKeyring(name: string, files: readonly ApkKeyFile[]): ApkKeyring {
  if (files.length === 0) throw distroError('DISTRO_KEYRING_INVALID', `keyring ${name} has no key`);
  const keys = files.map((file) => readKey(file, name));
  const id = createHash('sha256').update(keys.map((key) => `${key.name} ${key.fingerprint}`).join('\n'));
  return { name, id: id.digest('hex').slice(0, 32), keys };
}

/** Signature schemes of v2 (apk-v2(5)): what stands between `.SIGN.` and the key's name. */
const SCHEMES: Readonly<Record<string, string>> = { RSA: 'sha1', RSA256: 'sha256', RSA512: 'sha512', DSA: 'sha1' };

/** A `.SIGN.*` member, or a signature block of v3. */
export interface ApkSignature {
  /** `.SIGN.RSA.NAME` */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const unsigned = (what: string, why: string): Error =>
  distroError('DISTRO_INDEX_UNSIGNED', `${what} is not trustworthy: ${why}`, {
    hint: 'Name its public keys for the distribution in the fleet file, or mark the repository as trusted.',
  });

/**
 * The key that signed: the first signature of a known key decides, as in apk.
 * @returns the key's name
 * @throws DISTRO_INDEX_UNSIGNED
 */
export function verifySignature(
  signed: Uint8Array,
  signatures: readonly ApkSignature[],
  keyring: ApkKeyring,
  what: string,
): string {
  for (const { name, bytes } of signatures) {
    const [, scheme = '', keyName = ''] = /^\.SIGN\.([A-Z0-9]+)\.(.+)$/s.exec(name) ?? [];
    const algorithm = SCHEMES[scheme];
    const known = keyring.keys.find((key) => key.name === keyName);
    if (algorithm === undefined || known === undefined) continue;
    if (holds(algorithm, signed, known.key, bytes)) return keyName;
    throw unsigned(what, `its signature by ${keyName} is wrong`);
  }
  const named = signatures.map(({ name }) => name.replace(/^\.SIGN\.[A-Z0-9]+\./, ''));
  const why =
    named.length === 0 ? 'it carries no signature' : `no key of keyring ${keyring.name} is ${named.join(' or ')}`;
  throw unsigned(what, why);
}

/** A hostile signature may be anything: what the library refuses to look at does not hold. */
function holds(algorithm: string, signed: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(algorithm, signed, key, signature);
  } catch {
    return false;
  }
}

/** Digests that a v3 signature may be made over, by number (apk-tools, apk_crypto.h). */
const DIGESTS: Readonly<Record<number, string>> = { 3: 'sha256', 4: 'sha512' };

/**
 * The same for a v3 file: a signature of version 0 is over the schema, its own header and the payload's digest. One that
 * holds is enough.
 *
 * @throws DISTRO_INDEX_UNSIGNED
 */
export function verifyAdbSignature(
  file: { readonly schema: number; readonly payload: Uint8Array; readonly signatures: readonly Buffer[] },
  keyring: ApkKeyring,
  what: string,
): string {
  const seen: string[] = [];
  for (const block of file.signatures) {
    const digest = DIGESTS[block[1] ?? 0];
    if (block.length < 18 || block[0] !== 0 || digest === undefined) continue;
    const fingerprint = block.toString('hex', 2, 18);
    const known = keyring.keys.find((key) => key.fingerprint === fingerprint);
    seen.push(fingerprint);
    if (known === undefined) continue;
    const schema = Buffer.alloc(4);
    schema.writeUInt32LE(file.schema);
    const hash = createHash(digest).update(file.payload).digest();
    if (holds('sha512', Buffer.concat([schema, block.subarray(0, 18), hash]), known.key, block.subarray(18))) {
      return known.name;
    }
    seen.push(`${fingerprint} (wrong)`);
  }
  const why =
    seen.length === 0 ? 'it carries no signature' : `no signature of ${keyring.name} holds: ${seen.join(', ')}`;
  throw unsigned(what, why);
}
