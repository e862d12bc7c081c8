import type { PackageChange } from '../../build/index.ts';
import { compareVersions, type RepositoryPackage } from '../../distro/index.ts';
import type { Shelf, Workshop } from '../workshop/workshop.ts';

/** A binary's source version where the index no longer has it: binNMUs add `+bN` to the source's version. */
const sourceVersion = (version: string): string => version.replace(/\+b\d+$/, '');

/** `name version` → package, for the packages that changed: an index has 65,000 others. */
function offeredFor(changes: readonly PackageChange[], shelf: Shelf): ReadonlyMap<string, RepositoryPackage> {
  const names = new Set(changes.map((change) => change.package));
  const offered = new Map<string, RepositoryPackage>();
  for (const snapshot of shelf.snapshots) {
    for (const pkg of snapshot.packages) if (names.has(pkg.name)) offered.set(`${pkg.name} ${pkg.version}`, pkg);
  }
  return offered;
}

/**
 * Which advisories a set of package changes fixes, from the changelogs of the new versions. Derived from content
 * alone, so that a build that is resumed or repeated says the same.
 */
export async function advisoriesOf(
  changes: readonly PackageChange[],
  distribution: string,
  shelf: Shelf,
  workshop: Workshop,
): Promise<readonly string[]> {
  const upgrades = changes.filter((change) => change.from !== undefined && change.to !== undefined);
  if (upgrades.length === 0) return [];
  const read = await workshop.changelogs(distribution, shelf);
  const offered = offeredFor(changes, shelf);
  const fixed = new Set<string>();
  for (const { package: name, from = '', to = '' } of upgrades) {
    const candidate = offered.get(`${name} ${to}`);
    if (candidate === undefined) continue;
    const before = offered.get(`${name} ${from}`)?.source.version ?? sourceVersion(from);
    for (const entry of (await read(candidate)) ?? []) {
      const missed =
        compareVersions(entry.version, before) > 0 && compareVersions(entry.version, candidate.source.version) <= 0;
      if (missed) for (const id of entry.advisories) fixed.add(id);
    }
  }
  return [...fixed].sort();
}
