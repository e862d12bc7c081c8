import type { RepositoryPackage } from '../../distro/index.ts';

/**
 * Order in which dpkg is to unpack a set of upgrades: what a package pre-depends or depends on comes first, so that
 * pre-dependencies are met when they are asked for. Cycles are broken at the package met first.
 */
export function dpkgOrder(packages: readonly RepositoryPackage[]): readonly RepositoryPackage[] {
  const byName = Map.groupBy(packages, (pkg) => pkg.name);
  const ordered: RepositoryPackage[] = [];
  const seen = new Set<RepositoryPackage>();
  const visit = (pkg: RepositoryPackage): void => {
    if (seen.has(pkg)) return;
    seen.add(pkg);
    for (const group of [...pkg.relations.preDepends, ...pkg.relations.depends]) {
      for (const relation of group) for (const next of byName.get(relation.name) ?? []) visit(next);
    }
    ordered.push(pkg);
  };
  for (const pkg of [...packages].sort((a, b) => (a.name < b.name ? -1 : 1))) visit(pkg);
  return ordered;
}
