import type { PublicKey, VerifyMessageResult } from 'openpgp';
import { messageOf } from '../base/index.ts';
import type { Keyring } from './deb/keyring.ts';
import { distroError } from './errors.ts';

type Signature = VerifyMessageResult['signatures'][number];

export const unsigned = (what: string, why: string): Error =>
  distroError('RELEASE_UNSIGNED', `${what} is not trustworthy: ${why}`, {
    hint: 'Check the mirror; one that you sign yourself brings its keys with --keyring FILE.',
  });

/** Primary key and the very (sub)key that signed must both be alive now: openpgp only checks the time of signing. */
async function unusable(key: PublicKey, id: Signature['keyID'], now: Date): Promise<string | undefined> {
  try {
    await key.verifyPrimaryKey(now);
    const part = key.getKeys(id)[0];
    if (part === undefined) return 'has no such signing key';
    const expires = await part.getExpirationTime();
    if (expires !== null && expires !== Number.POSITIVE_INFINITY && expires <= now) return 'has expired';
    return undefined;
  } catch (error) {
    return `is not valid: ${messageOf(error)}`;
  }
}

type Verdict =
  | { readonly kind: 'good'; readonly fingerprint: string }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'unknown' | 'unusable'; readonly why: string };

async function judge(signature: Signature, keyring: string, keys: readonly PublicKey[], now: Date): Promise<Verdict> {
  const id = signature.keyID.toHex().toUpperCase();
  const key = keys.find((candidate) => candidate.getKeys(signature.keyID).length > 0);
  if (key === undefined) return { kind: 'unknown', why: `key ${id} is not in keyring ${keyring}` };
  const problem = await unusable(key, signature.keyID, now);
  try {
    await signature.verified;
  } catch (error) {
    // A key that is no longer valid says nothing about the content; a valid key's wrong signature does.
    return { kind: problem === undefined ? 'bad' : 'unusable', why: `signature of key ${id}: ${messageOf(error)}` };
  }
  if (problem !== undefined) return { kind: 'unusable', why: `key ${id} ${problem}` };
  return { kind: 'good', fingerprint: key.getFingerprint().toUpperCase() };
}

/**
 * Fingerprints (upper-case) of the primary keys whose signatures hold. One good signature of a usable key is enough,
 * because distributions sign with the keys of several releases; a wrong signature of a known key refuses the message.
 *
 * @throws RELEASE_UNSIGNED
 */
export async function signersOf(
  signatures: readonly Signature[],
  keyring: Keyring,
  date: Date,
  what: string,
): Promise<readonly string[]> {
  const keys = await keyring.keys();
  const verdicts = await Promise.all(signatures.map((signature) => judge(signature, keyring.name, keys, date)));
  const bad = verdicts.find((verdict) => verdict.kind === 'bad');
  if (bad !== undefined) throw unsigned(what, bad.why);
  const signedBy = verdicts.flatMap((verdict) => (verdict.kind === 'good' ? [verdict.fingerprint] : []));
  if (signedBy.length > 0) return signedBy;
  const why = verdicts.flatMap((verdict) => (verdict.kind === 'good' ? [] : [verdict.why]));
  throw unsigned(what, why.length === 0 ? 'it carries no signature' : why.join('; '));
}
