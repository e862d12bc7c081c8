import { isHeraklitError, messageOf } from '../../base/index.ts';
import { signersOf, unsigned } from '../signatures.ts';
import type { Keyring } from './keyring.ts';

/** Text that a key of the keyring signed, and nothing around it. */
export interface SignedText {
  readonly text: string;
  /** Fingerprints of the primary keys whose signatures hold, upper-case. */
  readonly signedBy: readonly string[];
}

const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----';

/**
 * Text of a clear-signed message (RFC 9580, 7), verified.
 *
 * @param now milliseconds since the epoch
 * @throws RELEASE_UNSIGNED
 */
export async function verifyClearSigned(
  bytes: Uint8Array,
  keyring: Keyring,
  now: number,
  what: string,
): Promise<SignedText> {
  const cleartextMessage = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (!cleartextMessage.startsWith(BEGIN)) throw unsigned(what, 'it carries no signature');
  const { readCleartextMessage, verify } = await import('openpgp');
  const date = new Date(now);
  try {
    const message = await readCleartextMessage({ cleartextMessage });
    const { signatures } = await verify({ message, verificationKeys: [...(await keyring.keys())], date });
    return { text: message.getText(), signedBy: await signersOf(signatures, keyring, date, what) };
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw unsigned(what, `its signature cannot be read: ${messageOf(error)}`);
  }
}
