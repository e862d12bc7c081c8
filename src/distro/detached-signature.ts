import { isHeraklitError, messageOf } from '../base/index.ts';
import type { Keyring } from './deb/keyring.ts';
import { signersOf, unsigned } from './signatures.ts';

/**
 * Verifies a detached signature (repomd.xml.asc) over bytes.
 *
 * @param now milliseconds since the epoch
 * @returns fingerprints of the primary keys whose signatures hold, upper-case
 * @throws RELEASE_UNSIGNED
 */
export async function verifyDetached(
  content: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  now: number,
  what: string,
): Promise<readonly string[]> {
  const { createMessage, readSignature, verify } = await import('openpgp');
  const date = new Date(now);
  try {
    const armored = Buffer.from(signature).toString('latin1');
    const parsed = armored.startsWith('-----BEGIN')
      ? await readSignature({ armoredSignature: armored })
      : await readSignature({ binarySignature: Uint8Array.from(signature) });
    const message = await createMessage({ binary: Uint8Array.from(content) });
    const verificationKeys = [...(await keyring.keys())];
    const { signatures } = await verify({ message, signature: parsed, verificationKeys, date, format: 'binary' });
    return await signersOf(signatures, keyring, date, what);
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw unsigned(what, `its signature cannot be read: ${messageOf(error)}`);
  }
}
