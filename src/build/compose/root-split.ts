import type { TarHeader } from '../../archive/index.ts';
import { type LayerItem, parseWhiteout } from '../../oci/index.ts';
import type { LayerGroup } from './groups.ts';
import type { LockedPackage } from './lock-form.ts';

/** A package's files where they lie in the image: links among their folders are followed. */
export interface PlacedPackage {
  readonly item: LockedPackage;
  readonly entries: readonly LayerItem[];
}

export interface SplitGroup {
  readonly group: LayerGroup;
  readonly packages: readonly PlacedPackage[];
  readonly items: readonly LayerItem[];
}

export interface RootSplit {
  readonly groups: readonly SplitGroup[];
  /** What no package brought as it is now, and removals; the folders that lead there are not among it. */
  readonly rest: readonly LayerItem[];
}

/** Of names of one inode: what the first one has. */
export function inodeOf(item: LayerItem, byPath: ReadonlyMap<string, LayerItem>): LayerItem {
  const { type, linkName = '' } = item.header;
  return type === 'hardlink' ? (byPath.get(linkName) ?? item) : item;
}

function sameAttributes(a: TarHeader['xattrs'], b: TarHeader['xattrs']): boolean {
  return (
    (a?.size ?? 0) === (b?.size ?? 0) &&
    [...(a ?? [])].every(([name, value]) => {
      const other = b?.get(name);
      return other !== undefined && Buffer.compare(value, other) === 0;
    })
  );
}

/** The same type and content; owners and modes aside. */
function sameContent(a: LayerItem, b: LayerItem): boolean {
  if (a.header.type !== b.header.type) return false;
  if (a.header.type === 'symlink') return a.header.linkName === b.header.linkName;
  if (a.header.type !== 'file') return true;
  return Buffer.compare(a.content as Uint8Array, b.content as Uint8Array) === 0;
}

/** The same but for times. */
export function sameEntry(a: LayerItem, b: LayerItem): boolean {
  const [one, other] = [a.header, b.header];
  const isSame = one.uid === other.uid && one.gid === other.gid && (one.type === 'symlink' || one.mode === other.mode);
  return isSame && sameAttributes(one.xattrs, other.xattrs) && sameContent(a, b);
}

/**
 * Divides a root among layers: what packages brought and still is so goes to their groups' layers, which other images
 * with these packages share; all else is left for one layer above. Modes and owners are those that the root has.
 *
 * @param root all of it, or what is new over a base
 */
export function splitRoot(
  root: readonly LayerItem[],
  packages: readonly PlacedPackage[],
  groups: readonly LayerGroup[],
): RootSplit {
  const byPath = new Map(root.map((item) => [item.header.path, item]));
  const placed = new Map(packages.map((one) => [keyOf(one.item), one]));
  const split = groups.map((group): SplitGroup => {
    const members = group.packages.flatMap((item) => placed.get(keyOf(item)) ?? []);
    return { group, packages: members, items: groupItems(members, byPath) };
  });
  const covered = new Map<string, LayerItem>();
  for (const { items } of split) for (const item of items) covered.set(item.header.path, item);
  return { groups: split, rest: restOf(root, byPath, covered) };
}

const keyOf = ({ name, architecture, sha256 }: LockedPackage): string => `${name} ${architecture} ${sha256}`;

function groupItems(packages: readonly PlacedPackage[], root: ReadonlyMap<string, LayerItem>): readonly LayerItem[] {
  const items = new Map<string, LayerItem>();
  for (const { entries } of packages) {
    const own = new Map(entries.map((entry) => [entry.header.path, entry]));
    for (const entry of entries) {
      const { path } = entry.header;
      const there = root.get(path);
      // Gone, or of another kind: this image has it otherwise.
      if (there === undefined) continue;
      const [now, brought] = [inodeOf(there, root), inodeOf(entry, own)];
      if (now.header.type !== brought.header.type) continue;
      const kept = sameContent(now, brought) ? withOwner(brought, now) : brought;
      const target = entry.header.type === 'hardlink' ? items.get(entry.header.linkName ?? '') : undefined;
      const isLink = target !== undefined && sameEntry(target, kept);
      if (kept.header.type === 'directory' && items.has(path)) continue;
      items.set(path, isLink ? { header: { ...entry.header, ...ownerOf(kept.header) } } : atPath(kept, path));
    }
  }
  return [...items.values()];
}

const ownerOf = ({ mode, uid, gid }: TarHeader) => ({ mode, uid, gid });

const atPath = ({ header, ...content }: LayerItem, path: string): LayerItem => ({
  header: { ...header, path },
  ...content,
});

function withOwner(brought: LayerItem, { header }: LayerItem): LayerItem {
  const { xattrs: _, ...plain } = brought.header;
  const attributes = header.xattrs === undefined ? {} : { xattrs: header.xattrs };
  return { ...brought, header: { ...plain, ...ownerOf(header), ...attributes } };
}

function restOf(
  root: readonly LayerItem[],
  byPath: ReadonlyMap<string, LayerItem>,
  covered: ReadonlyMap<string, LayerItem>,
): readonly LayerItem[] {
  const isCovered = (item: LayerItem): boolean => {
    const there = covered.get(item.header.path);
    return there !== undefined && sameEntry(inodeOf(there, covered), inodeOf(item, byPath));
  };
  const rest = root.filter((item) => parseWhiteout(item.header.path) !== undefined || !isCovered(item));
  const paths = new Set(rest.map(({ header }) => header.path));
  return rest.map((item) => {
    const { type, linkName = '', path } = item.header;
    return type === 'hardlink' && !paths.has(linkName) ? atPath(inodeOf(item, byPath), path) : item;
  });
}

/**
 * Adds the folders that lead to the items, with mode and owner as the image has them: a layer without them lets the
 * engine that unpacks it invent folders.
 *
 * @param mtime their time; undefined: that of what is in them
 */
export function withParentsOf(
  items: readonly LayerItem[],
  entry: (path: string) => LayerItem | undefined,
  mtime: number | undefined,
): readonly LayerItem[] {
  const present = new Set(items.map(({ header }) => header.path));
  const parents = new Map<string, LayerItem>();
  for (const { header } of items) {
    const parts = header.path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join('/');
      if (present.has(path) || parents.has(path)) continue;
      const there = entry(path)?.header;
      const known = there?.type === 'directory' ? there : undefined;
      const owner = { mode: known?.mode ?? 0o755, uid: known?.uid ?? 0, gid: known?.gid ?? 0 };
      parents.set(path, { header: { path, type: 'directory', ...owner, size: 0, mtime: mtime ?? header.mtime } });
    }
  }
  return [...parents.values(), ...items];
}
