import type { Signer, VerifyKey } from '../attestation/index.ts';
import { cliError } from './errors.ts';

/** A passphrase is never an argument, which everybody on the machine can read. */
const VARIABLES = ['HERAKLIT_KEY_PASSPHRASE', 'COSIGN_PASSWORD'] as const;

/** From the file, else from the environment; undefined where neither is given. */
export async function passphraseFrom(file: string | undefined): Promise<string | undefined> {
  if (file !== undefined) return (await import('../attestation/index.ts')).readPassphraseFile(file);
  return VARIABLES.map((name) => process.env[name]).find((value) => value !== undefined);
}

/** @throws ATTESTATION_KEY_INVALID, ATTESTATION_PASSPHRASE_WRONG */
export async function signerFrom(file: string, passphraseFile: string | undefined): Promise<Signer> {
  const { readSigner } = await import('../attestation/index.ts');
  return readSigner(file, await passphraseFrom(passphraseFile));
}

/** Keys of all the files: any of them will do, so that an old key stays trusted while a new one signs. */
export async function trustedKeys(files: readonly string[]): Promise<readonly VerifyKey[]> {
  if (files.length === 0)
    throw cliError('CLI_USAGE', 'no key to verify with', { hint: 'Give --key FILE.pub, more than once for several.' });
  const { readTrustedKeys } = await import('../attestation/index.ts');
  const keys = (await Promise.all(files.map(readTrustedKeys))).flat();
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}
