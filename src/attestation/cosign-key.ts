import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { attestationError } from './errors.ts';
import { openSecretbox, SECRETBOX_KEY, SECRETBOX_NONCE, sealSecretbox } from './secretbox.ts';

const derive = promisify<Buffer, Buffer, number, object, Buffer>(scrypt);

/** What `cosign generate-key-pair` writes; the second label is that of cosign 1. */
const LABELS = ['ENCRYPTED SIGSTORE PRIVATE KEY', 'ENCRYPTED COSIGN PRIVATE KEY'] as const;
const ARMOUR = /-----BEGIN ([A-Z ]+)-----\s*([A-Za-z0-9+/=\s]+)-----END \1-----/;

/** What cosign takes. */
const COST = { N: 65_536, r: 8, p: 1 } as const;
/** A file that asks for more would take the machine's memory: 16 times cosign's. */
const MAX_MEMORY = 1024 * 1024 * 1024;
const MAX_PARALLEL = 16;

interface Sealed {
  readonly kdf: {
    readonly name: string;
    readonly params: { readonly N: number; readonly r: number; readonly p: number };
    readonly salt: string;
  };
  readonly cipher: { readonly name: string; readonly nonce: string };
  readonly ciphertext: string;
}

export const isCosignKey = (text: string): boolean => LABELS.some((label) => text.includes(`-----BEGIN ${label}-----`));

/**
 * The PKCS #8 key in a cosign.key.
 * @throws ATTESTATION_KEY_INVALID, ATTESTATION_PASSPHRASE_WRONG
 */
export async function openCosignKey(text: string, passphrase: string, where: string): Promise<Buffer> {
  const { kdf, cipher, ciphertext } = parse(text, where);
  const key = await derive(Buffer.from(passphrase), Buffer.from(kdf.salt, 'base64'), SECRETBOX_KEY, {
    ...kdf.params,
    maxmem: MAX_MEMORY,
  });
  const der = openSecretbox(Buffer.from(ciphertext, 'base64'), Buffer.from(cipher.nonce, 'base64'), key);
  if (der !== undefined) return der;
  throw attestationError('ATTESTATION_PASSPHRASE_WRONG', `${where}: the passphrase does not open this key`, {
    hint: 'Give the passphrase it was made with: --passphrase-file, HERAKLIT_KEY_PASSPHRASE or COSIGN_PASSWORD.',
  });
}

/** A cosign.key that holds a PKCS #8 key. */
export async function sealCosignKey(pkcs8: Buffer, passphrase: string): Promise<string> {
  const salt = randomBytes(32);
  const nonce = randomBytes(SECRETBOX_NONCE);
  const key = await derive(Buffer.from(passphrase), salt, SECRETBOX_KEY, { ...COST, maxmem: MAX_MEMORY });
  const sealed: Sealed = {
    kdf: { name: 'scrypt', params: COST, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: sealSecretbox(pkcs8, nonce, key).toString('base64'),
  };
  const lines =
    Buffer.from(JSON.stringify(sealed))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${LABELS[0]}-----\n${lines.join('\n')}\n-----END ${LABELS[0]}-----\n`;
}

function parse(text: string, where: string): Sealed {
  const bad = (why: string, cause?: unknown): Error =>
    attestationError('ATTESTATION_KEY_INVALID', `${where} is no cosign.key: ${why}`, {
      cause,
      hint: 'Give the file that `cosign generate-key-pair` or `heraklit key generate --form cosign` wrote.',
    });
  const body = ARMOUR.exec(text)?.[2];
  if (body === undefined) throw bad('its armour is broken');
  let sealed: Partial<Sealed> | null;
  try {
    sealed = JSON.parse(Buffer.from(body, 'base64').toString('utf8')) as Partial<Sealed> | null;
  } catch (error) {
    throw bad('it holds no JSON', error);
  }
  const { kdf, cipher, ciphertext } = sealed ?? {};
  if (kdf?.name !== 'scrypt' || cipher?.name !== 'nacl/secretbox' || typeof ciphertext !== 'string')
    throw bad('it is sealed in a way cosign does not use');
  if (!isAffordable(kdf.params)) throw bad('its key derivation asks for more than any honest key');
  if (Buffer.from(String(cipher.nonce), 'base64').length !== SECRETBOX_NONCE) throw bad('its nonce has no 24 bytes');
  return { kdf, cipher, ciphertext };
}

function isAffordable(params: Partial<Sealed['kdf']['params']> | undefined): boolean {
  const { N = 0, r = 0, p = 0 } = params ?? {};
  const whole = [N, r, p].every((value) => Number.isSafeInteger(value) && value > 0);
  return whole && N > 1 && Number.isInteger(Math.log2(N)) && 128 * N * r <= MAX_MEMORY / 2 && p <= MAX_PARALLEL;
}
