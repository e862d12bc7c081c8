import type { FlatTree, ResolvedImage } from '../../../oci/index.ts';
import { patchError } from '../errors.ts';
import { canonicalPath } from '../file-level.ts';

/** What rpm calls the formats of its database. */
export type RpmBackend = 'sqlite' | 'ndb' | 'bdb';

export interface RpmDatabasePlace {
  /** Real folder below the root. */
  readonly folder: string;
  readonly backend: RpmBackend;
}

/** The present place, that of rpm-ostree, and the old one, often a link to the first. */
const FOLDERS = ['usr/lib/sysimage/rpm', 'usr/share/rpm', 'var/lib/rpm'];
const FILES: readonly (readonly [file: string, backend: RpmBackend])[] = [
  ['rpmdb.sqlite', 'sqlite'],
  ['Packages.db', 'ndb'],
  ['Packages', 'bdb'],
];

/** @throws PATCH_NO_DATABASE */
export function findRpmDatabase(image: ResolvedImage, tree: FlatTree): RpmDatabasePlace {
  for (const path of FOLDERS) {
    const folder = canonicalPath(path, tree);
    const found = FILES.find(([file]) => tree.has(`${folder}/${file}`));
    if (found !== undefined) return { folder, backend: found[1] };
  }
  throw patchError('PATCH_NO_DATABASE', `${image.digest} has no rpm database`, { hint: 'Rebuild the image.' });
}
