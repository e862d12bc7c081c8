import type { LinkFacts } from '../link-facts.ts';

/** A finished root as the dynamic loader sees it. Paths are below the root, without leading `/`. */
export interface LoaderRoot {
  /** Target of a symbolic link; undefined for anything else. */
  linkAt(path: string): string | undefined;
  /** True for a file or folder. */
  has(path: string): boolean;
  /** What is known of the ELF file there; undefined for any other. */
  facts(path: string): LinkFacts | undefined;
  /** A settings file of the loader. */
  text(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(folder: string): readonly string[];
}

/** Linux stops at 40 too. */
const MAX_LINKS = 40;
const MAX_PARTS = 4096;

/**
 * Where a path leads once every link on the way is followed inside the root; undefined for a loop. The root is its own
 * parent, so nothing leads out of it.
 */
export function realPath(linkAt: LoaderRoot['linkAt'], path: string): string | undefined {
  const pending = path.split('/').reverse();
  let current: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    if (pending.length > MAX_PARTS) return undefined;
    const part = pending.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      current.pop();
      continue;
    }
    current.push(part);
    const target = linkAt(current.join('/'));
    if (target === undefined) continue;
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (target.startsWith('/')) current = [];
    else current.pop();
    pending.push(...target.split('/').reverse());
  }
  return current.join('/');
}
