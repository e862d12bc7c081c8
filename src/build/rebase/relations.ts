import type { InstalledPackage, OrGroup, PackageEcosystem, Relation } from '../../distro/index.ts';
import type { RebaseConflict } from './report.ts';

type Satisfies = PackageEcosystem['satisfies'];

/** Dependencies that nothing in the set satisfies, and conflicts that something in it meets, the base's own left out. */
export function brokenRelations(
  packages: readonly InstalledPackage[],
  base: readonly InstalledPackage[],
  satisfies: Satisfies,
): readonly RebaseConflict[] {
  const broken = findBroken(packages, satisfies);
  if (broken.length === 0) return broken;
  // What does not hold in the new base alone is no fault of the child's.
  const before = new Set(findBroken(base, satisfies).map((one) => JSON.stringify(one)));
  return broken.filter((one) => !before.has(JSON.stringify(one)));
}

function findBroken(packages: readonly InstalledPackage[], satisfies: Satisfies): readonly RebaseConflict[] {
  const versionMeets = (version: string, relation: Relation): boolean =>
    relation.operator === undefined ||
    relation.version === undefined ||
    satisfies(version, relation.operator, relation.version);
  const byName = Map.groupBy(packages, (pkg) => pkg.name);
  const providers = new Map<string, { readonly pkg: InstalledPackage; readonly relation: Relation }[]>();
  for (const pkg of packages) {
    for (const relation of pkg.relations.provides) {
      providers.set(relation.name, [...(providers.get(relation.name) ?? []), { pkg, relation }]);
    }
  }
  const meets = (relation: Relation, except?: InstalledPackage): boolean =>
    (byName.get(relation.name) ?? []).some((pkg) => pkg !== except && versionMeets(pkg.version, relation)) ||
    (providers.get(relation.name) ?? []).some(
      (provider) =>
        provider.pkg !== except &&
        (relation.version === undefined ||
          (provider.relation.version !== undefined && versionMeets(provider.relation.version, relation))),
    );
  return packages.flatMap((pkg): RebaseConflict[] => [
    ...[...pkg.relations.preDepends, ...pkg.relations.depends]
      .filter((group) => !group.some((relation) => meets(relation)))
      .map(
        (group): RebaseConflict => ({
          kind: 'dependency',
          package: pkg.name,
          relation: `depends on ${formatGroup(group)}`,
        }),
      ),
    ...[...pkg.relations.conflicts, ...pkg.relations.breaks]
      .flat()
      .filter((relation) => meets(relation, pkg))
      .map(
        (relation): RebaseConflict => ({
          kind: 'dependency',
          package: pkg.name,
          relation: `conflicts with ${formatGroup([relation])}`,
        }),
      ),
  ]);
}

const formatGroup = (group: OrGroup): string =>
  group
    .map((relation) =>
      relation.operator === undefined ? relation.name : `${relation.name} (${relation.operator} ${relation.version})`,
    )
    .join(' | ');
