import type { FlatTree } from '../../oci/index.ts';
import { canonicalPath } from './file-level.ts';

const MAX_LINKS = 20;

/** Is there a file at a path, links followed to the end? */
export function resolvesToFile(path: string, tree: FlatTree): boolean {
  let at = canonicalPath(path, tree);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const entry = tree.get(at)?.entry;
    if (entry?.type !== 'symlink') return entry?.type === 'file' || entry?.type === 'hardlink';
    const target = entry.linkName ?? '';
    const from = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '';
    at = canonicalPath(target.startsWith('/') ? target : `${from}/${target}`, tree);
  }
  return false;
}
