import {
  type Distribution,
  type DistributionFallbacks,
  type InstalledPackage,
  readDistribution as identify,
} from '../distro/index.ts';
import { PATHS } from './captured-paths.ts';
import type { FileView } from './file-view.ts';

/** The distribution of a root, from its own files and, where they are silent, its packages. */
export async function readDistribution(
  view: FileView,
  packages: readonly InstalledPackage[],
): Promise<Distribution | undefined> {
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const file = await view.read(path);
    return file?.kind === 'content' ? file.bytes : undefined;
  };
  const debianVersion = await read(PATHS.debianVersion);
  const fallbacks: DistributionFallbacks = { packages, ...(debianVersion === undefined ? {} : { debianVersion }) };
  for (const path of PATHS.osRelease) {
    const bytes = await read(path);
    const found = bytes === undefined ? undefined : identify(bytes, fallbacks);
    if (found !== undefined) return found;
  }
  const releaseFiles = new Map<string, Uint8Array>();
  for (const path of PATHS.releaseFiles) {
    const bytes = await read(path);
    if (bytes !== undefined) releaseFiles.set(path, bytes);
  }
  return identify(undefined, { ...fallbacks, releaseFiles });
}
