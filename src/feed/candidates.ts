import {
  debEcosystem,
  type InstalledPackage,
  type PackageEcosystem,
  type PackageIdentity,
  type RepositoryPackage,
  type RepositorySnapshot,
} from '../distro/index.ts';

/** apt's pin priorities (apt_preferences(5)) where nobody configured any. */
const PRIORITY = { usual: 500, upgradesOnly: 100, never: 1 } as const;

/** One version of a package, with the repositories that have it. */
interface OfferedVersion {
  readonly version: string;
  readonly priority: number;
  /** The same version often stands in several pockets: security first, else in the order of the snapshots. */
  readonly offers: readonly RepositoryPackage[];
}

/** Snapshots arranged for look-up by name; build once, ask for many images. */
export interface CandidateIndex {
  readonly ecosystem: PackageEcosystem;
  /** Versions offered of a package in an architecture, newest first. */
  versions(name: string, architecture: string): readonly OfferedVersion[];
}

/** What candidates are a function of: no more than a database of many images keeps. */
export type Upgradable = PackageIdentity & { readonly hold?: boolean };

/** An installed package for which a newer version is offered. */
export interface UpgradeCandidate<Installed extends Upgradable = InstalledPackage> {
  readonly installed: Installed;
  readonly candidate: RepositoryPackage;
  /** True when any version newer than the installed one comes from a security pocket. */
  readonly security: boolean;
  /** On hold: apt lists it as upgradable and does not upgrade it. */
  readonly held: boolean;
}

const priorityOf = (snapshot: RepositorySnapshot): number => {
  if (!snapshot.notAutomatic) return PRIORITY.usual;
  return snapshot.butAutomaticUpgrades === true ? PRIORITY.upgradesOnly : PRIORITY.never;
};

interface Offer {
  readonly offer: RepositoryPackage;
  readonly priority: number;
}

function arrange(offers: readonly Offer[], { compareVersions }: PackageEcosystem): readonly OfferedVersion[] {
  const byVersion = Map.groupBy(offers, ({ offer }) => offer.version);
  return [...byVersion.values()]
    .map((same) => ({
      version: (same[0] as Offer).offer.version,
      priority: Math.max(...same.map(({ priority }) => priority)),
      offers: same.map(({ offer }) => offer).sort((a, b) => Number(b.security) - Number(a.security)),
    }))
    .sort((a, b) => compareVersions(b.version, a.version));
}

/**
 * Arranges snapshots for look-up. The first snapshot's architecture is the native one: packages for `all` belong to it,
 * so that a package may change between `all` and native.
 */
export function indexCandidates(
  snapshots: readonly RepositorySnapshot[],
  ecosystem: PackageEcosystem = debEcosystem,
): CandidateIndex {
  const any = ecosystem.anyArchitecture;
  const native = snapshots[0]?.architecture ?? any;
  const effective = (architecture: string): string => (architecture === any ? native : architecture);
  const byName = new Map<string, Offer[]>();
  for (const snapshot of snapshots) {
    const priority = priorityOf(snapshot);
    for (const offer of snapshot.packages) {
      const known = byName.get(offer.name);
      if (known === undefined) byName.set(offer.name, [{ offer, priority }]);
      else known.push({ offer, priority });
    }
  }
  const arranged = new Map<string, readonly OfferedVersion[]>();
  return {
    ecosystem,
    versions(name, architecture) {
      const wanted = effective(architecture);
      const key = `${name}:${wanted}`;
      const known = arranged.get(key);
      if (known !== undefined) return known;
      const fitting = (byName.get(name) ?? []).filter(({ offer }) => effective(offer.architecture) === wanted);
      const versions = arrange(fitting, ecosystem);
      arranged.set(key, versions);
      return versions;
    },
  };
}

/**
 * apt's candidate: the highest priority wins, among equals the newest version; the installed version counts with
 * priority 100, and nothing older than it is ever chosen (that would need a priority above 1000).
 */
function choose(
  versions: readonly OfferedVersion[],
  installed: string,
  { compareVersions }: PackageEcosystem,
): OfferedVersion | undefined {
  const offeredToo = versions.find((offered) => compareVersions(offered.version, installed) === 0);
  let best = { version: installed, priority: Math.max(PRIORITY.upgradesOnly, offeredToo?.priority ?? 0) };
  let chosen: OfferedVersion | undefined;
  // Versions come newest first, so that among equal priorities the newest stays.
  for (const offered of versions.filter(({ version }) => compareVersions(version, installed) > 0)) {
    const isBetter = offered.priority > best.priority || (offered.priority === best.priority && chosen === undefined);
    if (!isBetter) continue;
    best = offered;
    chosen = offered;
  }
  return chosen;
}

/** A stream of a module gets updates of that stream alone, and what is of no module none of one (rpm). */
function ofItsStream(
  installed: Upgradable,
  versions: readonly OfferedVersion[],
  { compareVersions }: PackageEcosystem,
): readonly OfferedVersion[] {
  if (!versions.some(({ offers }) => offers.some(({ module }) => module !== undefined))) return versions;
  const same = versions.find(({ version }) => compareVersions(version, installed.version) === 0);
  const stream = installed.module ?? same?.offers[0]?.module;
  return versions.flatMap((offered) => {
    const offers = offered.offers.filter(({ module }) => module === stream);
    return offers.length === 0 ? [] : [{ ...offered, offers }];
  });
}

function resolveOne<Installed extends Upgradable>(
  installed: Installed,
  index: CandidateIndex,
): UpgradeCandidate<Installed> | undefined {
  const versions = ofItsStream(installed, index.versions(installed.name, installed.architecture), index.ecosystem);
  const chosen = choose(versions, installed.version, index.ecosystem);
  const { compareVersions } = index.ecosystem;
  const [candidate] = chosen?.offers ?? [];
  if (chosen === undefined || candidate === undefined) return undefined;
  const security = versions.some(
    ({ version, offers }) =>
      compareVersions(version, installed.version) > 0 &&
      compareVersions(version, chosen.version) <= 0 &&
      offers.some((offer) => offer.security),
  );
  return { installed, candidate, security, held: installed.hold === true };
}

/**
 * What `apt list --upgradable` would list for these packages with these repositories enabled, in the order installed.
 * Pure; pass an index instead of snapshots to ask for many images.
 */
export function resolveCandidates<Installed extends Upgradable>(
  installed: readonly Installed[],
  repositories: readonly RepositorySnapshot[] | CandidateIndex,
): readonly UpgradeCandidate<Installed>[] {
  const index = 'versions' in repositories ? repositories : indexCandidates(repositories);
  return installed.flatMap((one) => resolveOne(one, index) ?? []);
}
