import { createHash } from 'node:crypto';
import type { FlatTree, LayerItem } from '../../../oci/index.ts';

/** Entries that make a difference: a package's new version brings many files as they were. */
export function withoutRepeated(items: readonly LayerItem[], tree: FlatTree): readonly LayerItem[] {
  const linked = new Set(items.flatMap(({ header }) => (header.type === 'hardlink' ? [header.linkName] : [])));
  return items.filter((item) => linked.has(item.header.path) || !isRepeated(item, tree));
}

/** @param tree with a sha256 of each file */
function isRepeated({ header, content }: LayerItem, tree: FlatTree): boolean {
  const below = tree.get(header.path)?.entry;
  if (below?.type !== header.type || header.type === 'directory' || header.xattrs !== undefined) return false;
  if (below.xattrs !== undefined || below.uid !== header.uid || below.gid !== header.gid) return false;
  if (header.type === 'symlink') return below.linkName === header.linkName;
  if (header.type !== 'file' || below.mode !== header.mode || below.size !== header.size) return false;
  // Python compares a source's time with the one in its compiled file (PEP 3147).
  if (/\.pyc?$/.test(header.path) && below.mtime !== header.mtime) return false;
  return content instanceof Uint8Array && below.sha256 === createHash('sha256').update(content).digest('hex');
}
