import type { Digest, LayerEntry, LayerIndex } from '../../oci/index.ts';

/** An image's layers, told apart by whether its packages can have to do with them. */
export interface SystemLayers {
  /** Diff ids of the layers that make the system, bottom first. */
  readonly diffIds: readonly Digest[];
  /** Folders below `/` in which the other layers add or hide something; nothing of theirs is anywhere else. */
  readonly apart: ReadonlySet<string>;
}

/**
 * The folders below `/` that packages use (Filesystem Hierarchy Standard 3.0, which Debian policy 9.1 adopts).
 * /opt and /srv are left to the owner, and so is every other name; /home goes with the users, whom packages make.
 */
const SYSTEM = new Set(
  'bin boot dev etc home lib lib32 lib64 libo32 libx32 lost+found media mnt proc root run sbin sys tmp usr var'.split(
    ' ',
  ),
);

export const topOf = (path: string): string => path.split('/', 1)[0] ?? '';

export const isSystemPath = (path: string): boolean => path === '' || SYSTEM.has(topOf(path));

/** What the layers below say of the owner's folders. */
class Below {
  /** What is no folder. */
  readonly links = new Set<string>();
  /** Folders right below `/` that the system's layers have too; undefined where they do not spell them out. */
  readonly shared = new Map<string, LayerEntry | undefined>();

  addLinks({ entries }: LayerIndex): void {
    for (const { path, type } of entries) if (type !== 'directory' && !isSystemPath(path)) this.links.add(path);
  }

  addShared({ entries }: LayerIndex): void {
    for (const entry of entries) {
      if (isSystemPath(entry.path)) continue;
      const top = topOf(entry.path);
      this.shared.set(top, entry.path === top ? entry : this.shared.get(top));
    }
  }
}

/**
 * Which layers make the system, and which only bring an application's own folders (`/app`, `/srv/…`). In doubt a layer
 * is the system's: one that leads through a link, or changes a folder that the system's layers have.
 */
export function systemLayers(indexes: readonly LayerIndex[]): SystemLayers {
  const diffIds: Digest[] = [];
  const apart = new Set<string>();
  const below = new Below();
  for (const index of indexes) {
    const paths = [...index.entries.flatMap(namesOf), ...index.whiteouts, ...index.opaques];
    below.addLinks(index);
    const isOwners =
      !paths.some((path) => isSystemPath(path) || leadsThrough(path, below.links)) && !disturbs(index, below.shared);
    if (isOwners) for (const path of paths) apart.add(topOf(path));
    else {
      diffIds.push(index.diffId);
      below.addShared(index);
    }
  }
  return { diffIds, apart };
}

const namesOf = ({ path, type, linkName = '' }: LayerEntry): readonly string[] =>
  type === 'hardlink' ? [path, linkName] : [path];

/** Does it change or hide a folder that the system's layers have? */
function disturbs(index: LayerIndex, shared: ReadonlyMap<string, LayerEntry | undefined>): boolean {
  if (index.whiteouts.some((path) => shared.has(path))) return true;
  return index.entries.some((entry) => {
    if (!shared.has(entry.path)) return false;
    const below = shared.get(entry.path);
    const same = below?.type === 'directory' && entry.type === 'directory' && entry.xattrs === undefined;
    return !same || below.mode !== entry.mode || below.uid !== entry.uid || below.gid !== entry.gid;
  });
}

function leadsThrough(path: string, links: ReadonlySet<string>): boolean {
  if (links.size === 0) return false;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1))
    if (links.has(path.slice(0, at))) return true;
  return false;
}
