import {
  compareVersions,
  type InstalledPackage,
  type OrGroup,
  type PackageIdentity,
  type PackageRelations,
  type RepositoryPackage,
  type RepositorySnapshot,
  satisfies,
} from '../../distro/index.ts';
import type { Finding } from '../../inventory/index.ts';

type Present = PackageIdentity & { readonly relations: PackageRelations };

const needsOf = ({ relations }: Pick<Present, 'relations'>): readonly OrGroup[] => [
  ...relations.preDepends,
  ...relations.depends,
];

function isMet(group: OrGroup, present: ReadonlyMap<string, Present>): boolean {
  return group.some(({ name, operator, version }) => {
    const fits = (offered: string | undefined): boolean =>
      operator === undefined ||
      version === undefined ||
      (offered !== undefined && satisfies(offered, operator, version));
    const own = present.get(name);
    if (own !== undefined && fits(own.version)) return true;
    return [...present.values()].some(({ relations }) =>
      relations.provides.some((provided) => provided.name === name && fits(provided.version)),
    );
  });
}

/**
 * What brings findings of a distroless image up to date. Its packages are there without much of what they depend on
 * (base-files without awk): what an installed version went without, its newer one does, too. What a newer version newly
 * needs comes with it, and so does what is tied to a version that goes.
 *
 * @throws Error nothing offers what is newly needed
 */
export function solveDistroless(
  installed: readonly InstalledPackage[],
  findings: readonly Finding[],
  snapshots: readonly RepositorySnapshot[],
): readonly RepositoryPackage[] {
  const newest = new Map<string, RepositoryPackage>();
  for (const offer of snapshots.filter(({ notAutomatic }) => !notAutomatic).flatMap(({ packages }) => packages)) {
    const known = newest.get(offer.name);
    if (known === undefined || compareVersions(offer.version, known.version) > 0) newest.set(offer.name, offer);
  }
  const before = new Map<string, Present>(installed.map((one) => [one.name, one]));
  const present = new Map(before);
  const incoming = new Map<string, RepositoryPackage>();
  const open: string[] = [];
  const bring = (offer: RepositoryPackage): void => {
    incoming.set(offer.name, offer);
    present.set(offer.name, offer);
    open.push(offer.name);
  };
  /** Names of a dependency that went unmet before are left unmet. */
  const wentWithout = (name: string, group: OrGroup): boolean => {
    const old = before.get(name);
    const names = new Set(group.map((relation) => relation.name));
    return (
      old !== undefined &&
      needsOf(old).some((one) => !isMet(one, before) && one.some((relation) => names.has(relation.name)))
    );
  };
  const settle = (one: Present): void => {
    for (const group of needsOf(one)) {
      if (isMet(group, present) || wentWithout(one.name, group)) continue;
      const offers = group.flatMap(({ name }) => newest.get(name) ?? []);
      const better = offers.find((offer) => before.has(offer.name)) ?? offers[0] ?? newest.get(one.name);
      const isTied = better !== undefined && incoming.get(better.name) !== better;
      if (!isTied) {
        const what = group
          .map(({ name, operator = '', version = '' }) => `${name} ${operator} ${version}`.trim())
          .join(' | ');
        throw new Error(`${one.name} ${one.version} needs ${what}, which nobody offers`);
      }
      bring(better);
    }
  };
  for (const { package: name, candidate } of findings) {
    const offer = newest.get(name);
    if (offer !== undefined && compareVersions(offer.version, candidate) >= 0) bring(offer);
  }
  while (open.length > 0) {
    open.length = 0;
    for (const one of [...present.values()]) settle(one);
  }
  return [...incoming.values()];
}
