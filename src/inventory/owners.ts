import type { FlatTree } from '../oci/index.ts';
import { apkFileLists, rpmFileLists } from './database-file-lists.ts';
import { dpkgFileLists } from './dpkg-file-lists.ts';
import type { InstalledFiles, OwnedFilesSource } from './owned-files.ts';
import { pacmanFileLists } from './pacman-file-lists.ts';

/** Every family's. */
const SOURCES: readonly OwnedFilesSource[] = [dpkgFileLists, rpmFileLists, apkFileLists, pacmanFileLists];

/** The source whose list a file is. */
export function fileListSource(path: string): OwnedFilesSource | undefined {
  return SOURCES.find((source) => source.isFileList(path));
}

/** Folders of the root that a merged /usr makes links; package lists may still say the old names. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * Owners of the given files (paths of the finished root). Of two packages that claim one file, the first by list name
 * has it.
 */
export async function ownersOf(
  wanted: ReadonlySet<string>,
  root: InstalledFiles,
  linkAt: (path: string) => string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  if (wanted.size === 0) return owners;
  const spellings = spellingsOf(wanted, linkAt);
  for (const source of SOURCES) {
    for await (const { owner, paths } of source.owned(root)) {
      for (const path of paths) {
        const real = wanted.has(path) ? path : spellings.get(path);
        if (real !== undefined && !owners.has(real)) owners.set(real, owner);
      }
    }
  }
  return owners;
}

/** The link targets that `ownersOf` needs, from a flattened image. */
export function linkIn(tree: FlatTree): (path: string) => string | undefined {
  return (path) => {
    const entry = tree.get(path)?.entry;
    return entry?.type === 'symlink' ? entry.linkName : undefined;
  };
}

/** Other names of the same files: `lib/x` for `usr/lib/x` where lib leads to usr/lib. */
function spellingsOf(
  wanted: ReadonlySet<string>,
  linkAt: (path: string) => string | undefined,
): ReadonlyMap<string, string> {
  const spellings = new Map<string, string>();
  for (const folder of MERGED) {
    const target = linkAt(folder)?.replace(/^\/+|\/+$/g, '');
    if (target === undefined || target === '') continue;
    for (const path of wanted) {
      if (path.startsWith(`${target}/`)) spellings.set(`${folder}${path.slice(target.length)}`, path);
    }
  }
  return spellings;
}
