import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { readKeyring } from '../../distro/index.ts';
import type { KeyFile, NamedRepository } from '../../feed/index.ts';
import type { FleetRepository } from '../../recipe/index.ts';
import { workshopError } from './errors.ts';

async function readKey(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw workshopError('REPOSITORY_KEY_UNREADABLE', `the key file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Paths in `keys` are relative to the fleet file; each names a file of ASCII-armoured OpenPGP public keys, or for apk of one in PEM.',
    });
  });
}

/**
 * Repositories of a fleet file with the keys that sign them.
 * @param folder of the fleet file
 * @throws REPOSITORY_KEY_UNREADABLE, DISTRO_KEYRING_INVALID
 */
export async function namedRepositories(
  repositories: readonly FleetRepository[],
  folder: string,
): Promise<readonly NamedRepository[]> {
  return Promise.all(
    repositories.map(async ({ name, urls, keys = [], security = false, trusted = false }) => {
      const keyFiles = await readKeyFiles(keys, folder);
      return { name, urls, security, trusted, ...(await signedBy(keyFiles, name)) };
    }),
  );
}

/** PEM keys are apk's; all others sign with OpenPGP. */
async function signedBy(
  keyFiles: readonly KeyFile[],
  name: string,
): Promise<Pick<NamedRepository, 'keyring' | 'keyFiles'>> {
  if (keyFiles.length === 0) return {};
  if (keyFiles.some(({ content }) => content.includes('-----BEGIN PUBLIC KEY-----'))) return { keyFiles };
  const armored = keyFiles.map(({ content }) => content);
  return { keyring: await readKeyring(`of repository ${name}`, armored) };
}

/**
 * Keys that a fleet file names for a distribution.
 * @throws REPOSITORY_KEY_UNREADABLE
 */
export async function readKeyFiles(paths: readonly string[], folder: string): Promise<readonly KeyFile[]> {
  return Promise.all(
    paths.map(async (path) => ({ name: basename(path), content: await readKey(resolve(folder, path)) })),
  );
}
