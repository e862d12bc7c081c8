import type { InstalledPackage, OrGroup, Relation, StatusDatabase } from '../../distro/index.ts';
import { satisfies } from '../../distro/index.ts';
import type { RebaseConflict } from './report.ts';

type Stanza = StatusDatabase['stanzas'][number];

export interface PackageMerge {
  /** Stanzas of the merged database: the new base's order, then what the child added. */
  readonly stanzas: readonly Stanza[];
  /** What the child installed itself. */
  readonly own: readonly InstalledPackage[];
  readonly conflicts: readonly RebaseConflict[];
}

const keyOf = (pkg: { readonly name: string; readonly architecture: string }): string =>
  `${pkg.name}:${pkg.architecture}`;
const stanzaKey = (stanza: Stanza): string => `${stanza.get('Package') ?? ''}:${stanza.get('Architecture') ?? ''}`;
const index = (database: StatusDatabase): ReadonlyMap<string, Stanza> =>
  new Map(database.stanzas.map((stanza) => [stanzaKey(stanza), stanza]));
const text = (stanza: Stanza | undefined): string | undefined => stanza?.toText();

/**
 * Three-way merge of the package database: what the child changed against its old base, applied to the new base.
 * A package that both sides changed is a conflict; so is a dependency of the result that nothing satisfies.
 */
export function mergePackages(oldBase: StatusDatabase, newBase: StatusDatabase, child: StatusDatabase): PackageMerge {
  const [before, after, own] = [index(oldBase), index(newBase), index(child)];
  const conflicts: RebaseConflict[] = [];
  const stanzas: Stanza[] = [];
  const changed = new Set<string>();
  for (const key of new Set([...after.keys(), ...own.keys()])) {
    const [old, theirs, ours] = [before.get(key), after.get(key), own.get(key)];
    const weChanged = text(ours) !== text(old);
    if (weChanged && text(theirs) !== text(old) && text(ours) !== text(theirs)) {
      conflicts.push({ kind: 'package', package: key, reason: describeBoth(old, theirs, ours) });
      continue;
    }
    const chosen = weChanged ? ours : theirs;
    if (weChanged) changed.add(key);
    if (chosen !== undefined) stanzas.push(chosen);
  }
  const present = [
    ...newBase.packages.filter((pkg) => !changed.has(keyOf(pkg))),
    ...child.packages.filter((pkg) => changed.has(keyOf(pkg))),
  ];
  return {
    stanzas,
    own: child.packages.filter((pkg) => changed.has(keyOf(pkg))),
    conflicts: [...conflicts, ...brokenRelations(present)],
  };
}

function describeBoth(old: Stanza | undefined, theirs: Stanza | undefined, ours: Stanza | undefined): string {
  const version = (stanza: Stanza | undefined): string => stanza?.get('Version') ?? 'absent';
  return `old base ${version(old)}, new base ${version(theirs)}, child ${version(ours)}`;
}

/** Dependencies that nothing in the set satisfies, and conflicts that something in it meets. */
function brokenRelations(packages: readonly InstalledPackage[]): readonly RebaseConflict[] {
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

const versionMeets = (version: string, relation: Relation): boolean =>
  relation.operator === undefined ||
  relation.version === undefined ||
  satisfies(version, relation.operator, relation.version);

const formatGroup = (group: OrGroup): string =>
  group
    .map((relation) =>
      relation.operator === undefined ? relation.name : `${relation.name} (${relation.operator} ${relation.version})`,
    )
    .join(' | ');
