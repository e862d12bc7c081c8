import type { TarHeader } from '../../archive/index.ts';
import { type FlatTree, type LayerItem, opaqueOf, whiteoutOf } from '../../oci/index.ts';
import type { Change } from '../../runtime/sandbox/index.ts';
import { filePieces, sameFileContent } from './file-content.ts';
import { isLeftover } from './leftovers.ts';

const MARKER = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 } as const;

/**
 * What the package manager changed, as entries of a layer: leftovers dropped, whiteouts as the OCI layer format has
 * them. dpkg writes every file of a package anew; those that came out as they were are dropped too. Folders stay when
 * something in them changed, when they are new, or when their mode or owner changed.
 *
 * @param tree the image below
 * @param root the image below, unpacked
 */
export function layerItems(changes: readonly Change[], tree: FlatTree, root: string): readonly LayerItem[] {
  const kept = withoutUnchanged(
    changes.filter((change) => !isLeftover(pathOf(change))),
    tree,
    root,
  );
  const parents = new Set<string>();
  for (const change of kept) {
    if (change.kind === 'entry' && change.header.type === 'directory') continue;
    const parts = pathOf(change).split('/');
    for (let depth = 1; depth < parts.length; depth += 1) parents.add(parts.slice(0, depth).join('/'));
  }
  const items: LayerItem[] = [];
  const pieces = filePieces();
  for (const change of kept) {
    const path = pathOf(change);
    if (change.kind === 'whiteout') items.push(marker(whiteoutOf(path)));
    else if (change.kind === 'opaque') {
      // overlayfs marks every new folder so; it says something only where there was one below.
      if (tree.has(path)) items.push(marker(opaqueOf(path)));
    } else if (change.header.type !== 'directory' || parents.has(path) || !sameMetadata(change.header, tree)) {
      const { header, content } = change;
      items.push(content === undefined ? { header } : { header, content: pieces(content) });
    }
  }
  return items;
}

/** Changes that make a difference; of a file that others in the layer link to, always. */
function withoutUnchanged(changes: readonly Change[], tree: FlatTree, root: string): readonly Change[] {
  const linked = new Set(
    changes.flatMap((change) =>
      change.kind === 'entry' && change.header.type === 'hardlink' ? [change.header.linkName] : [],
    ),
  );
  // Below a folder that replaces something, everything is new, and the path below may lead elsewhere.
  const replaced = new Set<string>();
  return changes.filter((change) => {
    if (change.kind !== 'entry') {
      if (change.kind === 'opaque') replaced.add(change.path);
      return true;
    }
    const { header } = change;
    const parent = header.path.slice(0, Math.max(0, header.path.lastIndexOf('/')));
    const isNew = replaced.has(parent) || tree.get(header.path)?.entry.type !== header.type;
    if (header.type === 'directory') {
      if (isNew) replaced.add(header.path);
      return true;
    }
    return isNew || linked.has(header.path) || makesDifference(change, tree, root);
  });
}

function makesDifference(
  { header, content }: Extract<Change, { kind: 'entry' }>,
  tree: FlatTree,
  root: string,
): boolean {
  if (timeMatters(header, tree) || !sameMetadata(header, tree)) return true;
  if (header.type === 'symlink') return header.linkName !== tree.get(header.path)?.entry.linkName;
  if (header.type !== 'file' || content === undefined) return true;
  return !sameFileContent(content, `${root}/${header.path}`, header.size);
}

/** Python compares a source's time with the one in its compiled file (PEP 3147): the pair must stay one. */
const timeMatters = (header: TarHeader, tree: FlatTree): boolean =>
  /\.pyc?$/.test(header.path) && tree.get(header.path)?.entry.mtime !== header.mtime;

function sameMetadata(header: TarHeader, tree: FlatTree): boolean {
  const below = tree.get(header.path)?.entry;
  if (below?.type !== header.type) return false;
  const sizes = header.type !== 'file' || below.size === header.size;
  return (
    sizes &&
    below.mode === header.mode &&
    below.uid === header.uid &&
    below.gid === header.gid &&
    sameAttributes(header.xattrs, below.xattrs)
  );
}

function sameAttributes(
  now: ReadonlyMap<string, Uint8Array> | undefined,
  below: Readonly<Record<string, string>> | undefined,
): boolean {
  const before = Object.entries(below ?? {});
  return (
    before.length === (now?.size ?? 0) &&
    before.every(([name, value]) => {
      const bytes = now?.get(name);
      return bytes !== undefined && Buffer.from(bytes).toString('base64') === value;
    })
  );
}

export const pathOf = (change: Change): string => (change.kind === 'entry' ? change.header.path : change.path);

const marker = (path: string): LayerItem => ({ header: { ...MARKER, path }, content: new Uint8Array() });
