import type { LinkFacts } from '../../elf/index.ts';
import type { LoaderRoot } from '../../elf/loader/index.ts';
import type { LayerEntry } from '../../oci/index.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import type { OwnChanges } from './own-changes.ts';
import type { PreparedBase } from './prepare-base.ts';
import { fileAt, parentOf } from './tree.ts';

/** The tree of a child on one base, as the dynamic loader and the kernel see it. */
export interface ResultRoot extends LoaderRoot {
  entry(path: string): LayerEntry | undefined;
}

const linkFacts = new WeakMap<PreparedBase, ReadonlyMap<string, LinkFacts>>();

function linkFactsOf(base: PreparedBase): ReadonlyMap<string, LinkFacts> {
  const known = linkFacts.get(base);
  if (known !== undefined) return known;
  const found = new Map<string, LinkFacts>();
  for (const [layer, { linked }] of base.facts.entries()) {
    for (const { path, link } of linked) if (link !== undefined) found.set(`${layer} ${path}`, link);
  }
  linkFacts.set(base, found);
  return found;
}

/** @param restored paths of the child that the merged layer gives back to the base */
export function resultRoot(
  base: PreparedBase,
  own: OwnChanges,
  ownFacts: readonly LayerFacts[],
  pair: BasePair,
  restored: ReadonlySet<string>,
): ResultRoot {
  const ofBase = linkFactsOf(base);
  const ofOwn = new Map<string, LinkFacts>();
  for (const [layer, { linked }] of ownFacts.entries()) {
    for (const { path, link } of linked) {
      if (link !== undefined && own.writes.get(path)?.layer === layer) ofOwn.set(path, link);
    }
  }
  const isHidden = (path: string): boolean => {
    if (own.hides.get(path) === 'path') return true;
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
      if (own.hides.has(folder)) return true;
      const write = own.writes.get(folder);
      if (write !== undefined && write.entry.type !== 'directory') return true;
    }
    return false;
  };
  const writeAt = (path: string) => (restored.has(path) ? undefined : own.writes.get(path));
  const baseAt = (path: string) => (isHidden(path) && !restored.has(path) ? undefined : base.tree.get(path));
  const entry = (path: string): LayerEntry | undefined => writeAt(path)?.entry ?? fileAt(baseAt(path));
  return {
    entry,
    linkAt(path) {
      const found = entry(path);
      return found?.type === 'symlink' ? found.linkName : undefined;
    },
    has: (path) => entry(path) !== undefined,
    facts(path) {
      const write = writeAt(path);
      if (write !== undefined) return ofOwn.get(write.linkedTo ?? path);
      const flat = baseAt(path);
      const file = flat?.target ?? flat;
      return file === undefined ? undefined : ofBase.get(`${file.layer} ${file.entry.path}`);
    },
    text(path) {
      const write = writeAt(path);
      const bytes =
        write === undefined
          ? base.facts[baseAt(path)?.layer ?? -1]?.files.get(path)
          : ownFacts[write.layer]?.files.get(path);
      if (bytes !== undefined) return Buffer.from(bytes).toString('utf8');
      return entry(path) === undefined ? undefined : '';
    },
    list(folder) {
      const prefix = `${folder}/`;
      const paths = [...pair.below(folder).filter((path) => baseAt(path) !== undefined), ...own.writes.keys()];
      const names = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      return [...new Set(names.filter((name) => !name.includes('/')))].sort();
    },
  };
}
