import type { ImageContent } from './normal-form.ts';

export interface ContentDifference {
  readonly identical: boolean;
  /** Paths in the order of their characters. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ChangedPath[];
  /** Members of the config, with their values as JSON; undefined: not there. */
  readonly config: readonly { readonly name: string; readonly from?: string; readonly to?: string }[];
}

interface ChangedPath {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

/** What differs between the contents of two images, path by path. Pure. */
export function compareContent(before: ImageContent, after: ImageContent): ContentDifference {
  const added = [...after.paths.keys()].filter((path) => !before.paths.has(path)).sort();
  const removed = [...before.paths.keys()].filter((path) => !after.paths.has(path)).sort();
  const changed = [...before.paths]
    .flatMap(([path, from]): readonly ChangedPath[] => {
      const to = after.paths.get(path);
      return to === undefined || to === from ? [] : [{ path, from, to }];
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const names = [...new Set([...before.config.keys(), ...after.config.keys()])].sort();
  const config = names.flatMap((name) => {
    const [from, to] = [before.config.get(name), after.config.get(name)];
    if (from === to) return [];
    return [{ name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  });
  return { identical: before.digest === after.digest, added, removed, changed, config };
}
