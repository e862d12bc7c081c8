import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asCodedError, messageOf, syncDirectory } from '../base/index.ts';
import { sealCosignKey } from './cosign-key.ts';
import { attestationError } from './errors.ts';
import { type KeyAlgorithm, privateKeySigner, readVerifyKeys, type Signer, type VerifyKey } from './key.ts';

/** No key is near this; a device file named by mistake ends here. */
const MAX_KEY_FILE = 1024 * 1024;

export interface NewKey {
  /** `PREFIX.key` and `PREFIX.pub` are written. */
  readonly prefix: string;
  readonly algorithm: KeyAlgorithm;
  /** `pem`: PKCS #8, which openssl reads. `cosign`: which cosign signs with; always with a passphrase, maybe ''. */
  readonly form: 'pem' | 'cosign';
  /** Undefined: not encrypted. */
  readonly passphrase: string | undefined;
}

export interface WrittenKey {
  readonly privateFile: string;
  readonly publicFile: string;
  readonly key: VerifyKey;
}

/** Makes a key pair. Neither file is ever overwritten. @throws ATTESTATION_KEY_EXISTS */
export async function generateKey(request: NewKey): Promise<WrittenKey> {
  const { prefix, algorithm, form, passphrase } = request;
  const privateFile = `${prefix}.key`;
  const publicFile = `${prefix}.pub`;
  for (const file of [privateFile, publicFile]) {
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined) throw exists(file);
  }
  const pair =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const text = form === 'cosign' ? await cosignText(pair.privateKey, passphrase) : pemText(pair.privateKey, passphrase);
  await writeNew(privateFile, text, 0o600);
  await writeNew(publicFile, publicPem, 0o644);
  const [key] = readVerifyKeys(publicPem, basename(publicFile)) as [VerifyKey];
  return { privateFile, publicFile, key };
}

/** @throws ATTESTATION_KEY_INVALID, ATTESTATION_PASSPHRASE_WRONG */
export async function readSigner(file: string, passphrase: string | undefined): Promise<Signer> {
  return privateKeySigner(await readKeyFile(file), basename(file), passphrase);
}

/** The public keys of a file, in order. @throws ATTESTATION_KEY_INVALID */
export async function readTrustedKeys(file: string): Promise<readonly VerifyKey[]> {
  return readVerifyKeys(await readKeyFile(file), basename(file));
}

/** First line of a file, as editors and secret stores write it. */
export async function readPassphraseFile(file: string): Promise<string> {
  return (await readKeyFile(file)).split(/\r?\n/, 1)[0] ?? '';
}

async function readKeyFile(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_KEY_FILE) return await readFile(file, 'utf8');
  } catch (error) {
    throw attestationError('ATTESTATION_KEY_INVALID', `${file} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a key file that exists and that this account may read.',
    });
  }
  throw attestationError('ATTESTATION_KEY_INVALID', `${file} has over ${MAX_KEY_FILE} bytes`, {
    hint: 'Name a key file.',
  });
}

const pemText = (key: KeyObject, passphrase: string | undefined): string =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();

const cosignText = (key: KeyObject, passphrase = ''): Promise<string> =>
  sealCosignKey(
    createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'pkcs8', format: 'der' }),
    passphrase,
  );

/** Whole or not at all, and never over another file: written aside, then linked to its name. */
async function writeNew(file: string, text: string, mode: number): Promise<void> {
  const aside = join(dirname(file), `.${basename(file)}.${process.pid}.partial`);
  try {
    const handle = await open(aside, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(aside, file);
    await syncDirectory(dirname(file));
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(file) : asCodedError(error);
  } finally {
    await rm(aside, { force: true });
  }
}

const exists = (file: string): Error =>
  attestationError('ATTESTATION_KEY_EXISTS', `${file} exists`, {
    hint: 'Choose another --output, or move the old key away: signatures made with it are verified with its .pub.',
  });
