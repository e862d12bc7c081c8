import {
  compareVersions,
  type PackageIdentity,
  type RepositoryPackage,
  type RepositorySnapshot,
} from '../distro/index.ts';

/** An installed package and what repositories offer above it. */
export interface Update<Installed extends PackageIdentity> {
  readonly installed: Installed;
  readonly candidate: RepositoryPackage;
  /** Newer versions on offer, the candidate included; in no order. */
  readonly skipped: readonly RepositoryPackage[];
}

/**
 * apt's candidates for installed packages, from repositories of equal priority: the highest version wins, a downgrade
 * never does. An architecture-independent package belongs to the native architecture, so a package may move between
 * `all` and native; one of a foreign architecture stays what it is. Repositories that say NotAutomatic are left out.
 *
 * @see apt_preferences(5)
 */
export function resolveUpdates<Installed extends PackageIdentity>(
  installed: readonly Installed[],
  snapshots: readonly RepositorySnapshot[],
  nativeArchitecture: string,
): readonly Update<Installed>[] {
  const offers = offersFor(new Set(installed.map((item) => item.name)), snapshots);
  const updates: Update<Installed>[] = [];
  for (const item of installed) {
    const native = item.architecture === nativeArchitecture || item.architecture === 'all';
    const fits = (architecture: string): boolean =>
      native ? architecture === nativeArchitecture || architecture === 'all' : architecture === item.architecture;
    const newer = (offers.get(item.name) ?? []).filter(
      (offer) => fits(offer.architecture) && compareVersions(offer.version, item.version) > 0,
    );
    const [first, ...rest] = newer;
    if (first === undefined) continue;
    updates.push({ installed: item, candidate: rest.reduce(better, first), skipped: newer });
  }
  return updates;
}

/** The same version may lie in several pockets: the security one is the one to name. */
function better(best: RepositoryPackage, offer: RepositoryPackage): RepositoryPackage {
  const order = compareVersions(offer.version, best.version);
  return order > 0 || (order === 0 && offer.security && !best.security) ? offer : best;
}

function offersFor(
  names: ReadonlySet<string>,
  snapshots: readonly RepositorySnapshot[],
): ReadonlyMap<string, readonly RepositoryPackage[]> {
  const offers = new Map<string, RepositoryPackage[]>();
  for (const snapshot of snapshots) {
    if (snapshot.notAutomatic) continue;
    for (const offer of snapshot.packages) {
      if (!names.has(offer.name)) continue;
      const list = offers.get(offer.name);
      if (list === undefined) offers.set(offer.name, [offer]);
      else list.push(offer);
    }
  }
  return offers;
}
