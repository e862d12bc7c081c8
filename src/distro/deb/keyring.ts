import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { PublicKey } from 'openpgp';
import { messageOf, packageFile } from '../../base/index.ts';
import { distroError } from '../errors.ts';

/** Public keys that may sign a distribution's repositories. */
export interface Keyring {
  /** What to call it in messages. */
  readonly name: string;
  /** Changes when any key does: what a remembered verdict is bound to. */
  readonly id: string;
  /** Parsed when first asked for: commands that verify nothing new need not wait for it. */
  keys(): Promise<readonly PublicKey[]>;
}

const KEYRINGS = packageFile('data/keyrings/');

async function parseKeys(name: string, armored: readonly string[]): Promise<readonly PublicKey[]> {
  const { readKeys } = await import('openpgp');
  try {
    const keys = (await Promise.all(armored.map((armoredKeys) => readKeys({ armoredKeys })))).flat();
    if (keys.length === 0) throw new Error('it is empty');
    return keys.map((key) => key.toPublic());
  } catch (error) {
    throw distroError('DISTRO_KEYRING_INVALID', `keyring ${name} is not readable: ${messageOf(error)}`, {
      cause: error,
      hint: 'A keyring is one or more files with ASCII-armoured OpenPGP public keys.',
    });
  }
}

function lazyKeyring(name: string, armored: readonly string[]): Keyring {
  const id = createHash('sha256').update(armored.join('\n')).digest('hex').slice(0, 32);
  let parsed: Promise<readonly PublicKey[]> | undefined;
  return {
    name,
    id,
    keys: () => {
      parsed ??= parseKeys(name, armored);
      return parsed;
    },
  };
}

/** Armoured public keys → keyring. @throws DISTRO_KEYRING_INVALID */
export async function readKeyring(name: string, armored: readonly string[]): Promise<Keyring> {
  const keyring = lazyKeyring(name, armored);
  await keyring.keys();
  return keyring;
}

/** Keys as they lie in a file: armoured, or as `gpg --export` and `gpg --dearmor` write them. @throws DISTRO_KEYRING_INVALID */
export function readKeyringFile(name: string, bytes: Buffer): Promise<Keyring> {
  const text = bytes.toString('latin1');
  if (text.includes('-----BEGIN PGP')) return readKeyring(name, [text]);
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  const armoured = `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${lines.join('\n')}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  return readKeyring(name, [armoured]);
}

const shipped = new Map<string, Promise<Keyring>>();

async function readShipped(id: string): Promise<Keyring> {
  const folder = new URL(`${encodeURIComponent(id)}/`, KEYRINGS);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.asc')).sort();
  if (names.length === 0) throw distroError('DISTRO_KEYRING_INVALID', `no keyring ships for ${JSON.stringify(id)}`);
  return lazyKeyring(id, await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8'))));
}

/**
 * The keys that ship with heraklit for a distribution id such as `debian` (data/keyrings/README.md).
 * @throws DISTRO_KEYRING_INVALID when there are none
 */
export function shippedKeyring(id: string): Promise<Keyring> {
  const known = shipped.get(id) ?? readShipped(id);
  shipped.set(id, known);
  return known;
}
