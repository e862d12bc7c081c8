import { readdir, readFile } from 'node:fs/promises';
import { packageFile } from '../../base/index.ts';
import { type ApkKeyring, readApkKeyring } from './keyring.ts';

const shipped = new Map<string, Promise<ApkKeyring>>();

async function readShipped(id: string): Promise<ApkKeyring> {
  const folder = packageFile(`data/keyrings/${encodeURIComponent(id)}/`);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.pub')).sort();
  const files = await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(new URL(name, folder), 'utf8') })),
  );
  return readApkKeyring(id, files);
}

/**
 * The keys that ship with heraklit for a distribution id such as `alpine` (data/keyrings/README.md).
 * @throws DISTRO_KEYRING_INVALID when there are none
 */
export function shippedApkKeyring(id: string): Promise<ApkKeyring> {
  const known = shipped.get(id) ?? readShipped(id);
  shipped.set(id, known);
  return known;
}
