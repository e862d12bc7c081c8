import type { FlatTree } from '../oci/index.ts';
import type { LayerRecord } from './layer-record.ts';

/** Reads the few files a scan needs, wherever the root lies. Paths are relative, links are followed inside the root. */
export interface FileView {
  /** Undefined where there is none; `unread` where it is there and was not kept. */
  read(path: string): Promise<FileContent | undefined>;
  /** Names in a folder, sorted; empty where there is none. */
  list(folder: string): Promise<readonly string[]>;
}

export type FileContent =
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  | { readonly kind: 'unread'; readonly reason: string };

/** Symbolic links on the way to one file; Linux stops at 40 too. */
export const MAX_LINKS = 40;

/**
 * Where a path leads once every link on the way is followed, or undefined for a loop. `linkAt` answers with a link's
 * target and undefined for anything else. `..` stops at the root, so nothing leads out of it.
 */
export async function followLinks(
  path: string,
  linkAt: (path: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  let pending = path.split('/').reverse();
  let current: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      current.pop();
      continue;
    }
    current.push(part);
    const target = await linkAt(current.join('/'));
    if (target === undefined) continue;
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (target.startsWith('/')) current = [];
    else current.pop();
    pending = [...pending, ...target.split('/').reverse()];
  }
  return current.join('/');
}

/** The files of a flattened stack of layers, from what was captured when the layers were read. */
export function layeredView(tree: FlatTree, records: readonly LayerRecord[]): FileView {
  const linkAt = async (path: string): Promise<string | undefined> => {
    const entry = tree.get(path)?.entry;
    return entry?.type === 'symlink' ? entry.linkName : undefined;
  };
  return {
    async read(path) {
      const at = await followLinks(path, linkAt);
      const found = at === undefined ? undefined : tree.get(at);
      if (found === undefined) return undefined;
      const { entry, layer } = found.target ?? found;
      if (entry.type !== 'file') return undefined;
      const bytes = records[layer]?.captured.get(entry.path);
      if (bytes !== undefined) return { kind: 'content', bytes };
      const skipped = records[layer]?.skipped.find((part) => part.path === entry.path);
      return { kind: 'unread', reason: skipped?.reason ?? `leads to ${entry.path}, which is not read` };
    },
    async list(folder) {
      const at = await followLinks(folder, linkAt);
      if (at === undefined) return [];
      const prefix = `${at}/`;
      const names = new Set<string>();
      for (const path of tree.keys()) {
        if (!path.startsWith(prefix)) continue;
        // A folder need not have an entry of its own: what is in it says that it is there.
        const end = path.indexOf('/', prefix.length);
        names.add(path.slice(prefix.length, end < 0 ? undefined : end));
      }
      return [...names].sort();
    },
  };
}
