import { type InstalledPackage, type OrGroup, type RepositoryPackage, satisfies } from '../../distro/index.ts';

/** One round of dpkg: unpack these, then configure those. */
export interface DpkgStep {
  readonly unpack: readonly RepositoryPackage[];
  /** 'pending': whatever is unpacked and not configured. */
  readonly configure: readonly RepositoryPackage[] | 'pending';
}

/**
 * Cuts an order of packages where dpkg needs it: a package is unpacked only when what it pre-depends on is configured
 * (Debian policy 7.2). The version that was configured last counts until the new one is, so most pre-dependencies hold
 * all the time and one step does; exact ones (`libpam-modules-bin (= …)`) need their own.
 */
export function dpkgSteps(
  order: readonly RepositoryPackage[],
  installed: readonly InstalledPackage[],
): readonly DpkgStep[] {
  const configured = Map.groupBy(installed, (pkg) => pkg.name);
  const holdsNow = (group: OrGroup): boolean =>
    group.some((relation) =>
      (configured.get(relation.name) ?? []).some(
        ({ version }) =>
          relation.operator === undefined ||
          relation.version === undefined ||
          satisfies(version, relation.operator, relation.version),
      ),
    );
  const steps: DpkgStep[] = [];
  let batch: RepositoryPackage[] = [];
  let waiting: readonly RepositoryPackage[] = [];
  for (const pkg of order) {
    const unpacked = [...waiting, ...batch];
    const missing = pkg.relations.preDepends.filter((group) => !holdsNow(group)).flat();
    const needed = unpacked.filter(({ name }) => missing.some((relation) => relation.name === name));
    if (needed.length > 0) {
      const configure = withDependencies(needed, unpacked);
      steps.push({ unpack: batch, configure });
      waiting = unpacked.filter((one) => !configure.includes(one));
      batch = [];
    }
    batch.push(pkg);
  }
  return [...steps, { unpack: batch, configure: 'pending' }];
}

/** What must be configured together, in the order given. */
function withDependencies(
  needed: readonly RepositoryPackage[],
  unpacked: readonly RepositoryPackage[],
): readonly RepositoryPackage[] {
  const found = new Set(needed);
  for (const pkg of found) {
    const names = new Set([...pkg.relations.preDepends, ...pkg.relations.depends].flat().map(({ name }) => name));
    // A set goes on over what is added to it meanwhile.
    for (const other of unpacked) if (names.has(other.name)) found.add(other);
  }
  return unpacked.filter((pkg) => found.has(pkg));
}
