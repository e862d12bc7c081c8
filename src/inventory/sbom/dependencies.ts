import type { InstalledPackage, Relation } from '../../distro/index.ts';

/**
 * Which installed packages each one depends on (Depends, Pre-Depends), as indexes into the list, ascending. Every
 * alternative that is installed counts, and a provider stands in for a name nothing has. Versions are not compared:
 * the package manager already did.
 */
export function installedDependencies(packages: readonly InstalledPackage[]): readonly (readonly number[])[] {
  const named = new Map<string, number[]>();
  const provided = new Map<string, number[]>();
  for (const [index, item] of packages.entries()) {
    add(named, item.name, index);
    for (const relation of item.relations.provides) add(provided, relation.name, index);
  }
  const targets = (relation: Relation, from: InstalledPackage): readonly number[] => {
    const found = named.get(relation.name) ?? provided.get(relation.name) ?? [];
    // On multi-arch roots the same name is there twice: the dependent's own architecture serves it.
    const own = found.filter((index) => packages[index]?.architecture === from.architecture);
    return own.length > 0 ? own : found;
  };
  return packages.map((item, self) => {
    const found = new Set<number>();
    for (const group of [...item.relations.preDepends, ...item.relations.depends]) {
      for (const relation of group) for (const index of targets(relation, item)) found.add(index);
    }
    found.delete(self);
    return [...found].sort((a, b) => a - b);
  });
}

function add(map: Map<string, number[]>, name: string, index: number): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [index]);
  else list.push(index);
}
