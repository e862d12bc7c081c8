import type { RepositoryPackage, RepositorySnapshot } from '../../types.ts';
import { type ApkDependency, ApkRelations } from '../dependencies.ts';
import { type ApkInstalledRecord, relationsOf } from '../installed-records.ts';
import { compareVersions, matchesFuzzily, satisfies } from '../version.ts';

/** A package that may be chosen: one that is installed, one that a repository offers, or both at once. */
export interface ApkCandidate {
  readonly name: string;
  readonly version: string;
  /** Hexadecimal, 160 bits. */
  readonly identity: string;
  readonly relations: ApkRelations;
  readonly installed?: ApkInstalledRecord;
  readonly offer?: RepositoryPackage;
  /** Position of its repository; those before are preferred among equals. */
  readonly rank: number;
  /** Only repositories with this tag have it: taken where it is asked for by the tag, and by what that needs. */
  readonly tag?: string;
}

/** A candidate as what it is asked for: by its own name, or by one that it provides. */
export interface ApkProvider {
  readonly candidate: ApkCandidate;
  /** Undefined: it provides the name without a version. */
  readonly version: string | undefined;
}

const IDENTITY_DIGITS = 40;

/** What repositories offer, arranged by every name that can be asked for. */
export interface ApkUniverse {
  readonly snapshots: readonly RepositorySnapshot[];
  readonly byName: ReadonlyMap<string, readonly ApkProvider[]>;
  readonly byIdentity: ReadonlyMap<string, ApkCandidate>;
  /** Those that are installed by themselves where others are. */
  readonly triggered: readonly ApkCandidate[];
}

/** The names that a candidate answers to: its own, and what it provides. */
export function namesOf(candidate: ApkCandidate): readonly (readonly [name: string, version: string | undefined])[] {
  const provided = candidate.relations.provided.map(({ name, version }) => [name, version] as const);
  return [[candidate.name, candidate.version], ...provided];
}

function arrange(candidates: readonly ApkCandidate[]): Pick<ApkUniverse, 'byName' | 'triggered'> {
  const byName = new Map<string, ApkProvider[]>();
  for (const candidate of candidates) {
    for (const [name, version] of namesOf(candidate)) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [{ candidate, version }]);
      else known.push({ candidate, version });
    }
  }
  return { byName, triggered: candidates.filter(({ relations }) => relations.texts.installIf !== undefined) };
}

/**
 * @param snapshots in the order in which the root's owner lists their repositories
 * @param tags of repositories that the owner tagged, by the snapshot's id
 */
export function createApkUniverse(
  snapshots: readonly RepositorySnapshot[],
  tags: ReadonlyMap<string, string> = new Map(),
): ApkUniverse {
  const byIdentity = new Map<string, ApkCandidate>();
  const ranked = [...snapshots.entries()];
  // What a repository without a tag has, too, is nothing special.
  const isTagged = ([, { id }]: (typeof ranked)[number]): boolean => tags.has(id);
  const untaggedFirst = [...ranked.filter((one) => !isTagged(one)), ...ranked.filter(isTagged)];
  for (const [rank, { id, packages }] of untaggedFirst) {
    const tag = tags.get(id);
    for (const offer of packages) {
      const { name, version, relations } = offer;
      const identity = (offer.identity ?? '').slice(0, IDENTITY_DIGITS);
      // What an index cannot vouch for cannot be installed.
      if (identity.length < IDENTITY_DIGITS || byIdentity.has(identity) || !(relations instanceof ApkRelations))
        continue;
      byIdentity.set(identity, {
        name,
        version,
        identity,
        relations,
        offer,
        rank,
        ...(tag === undefined ? {} : { tag }),
      });
    }
  }
  return { snapshots, byIdentity, ...arrange([...byIdentity.values()]) };
}

export const identityOf = ({ identity }: Pick<ApkInstalledRecord, 'identity'>): string =>
  Buffer.from(identity.slice(2), 'base64').toString('hex');

/** The universe with what is installed in it. */
export function withInstalled(universe: ApkUniverse, records: readonly ApkInstalledRecord[]): ApkUniverse {
  const byIdentity = new Map(universe.byIdentity);
  const replaced = new Map<ApkCandidate, ApkCandidate>();
  const alone: ApkCandidate[] = [];
  for (const installed of records) {
    const identity = identityOf(installed);
    const offered = universe.byIdentity.get(identity);
    const candidate: ApkCandidate =
      offered === undefined
        ? {
            ...{ name: installed.name, version: installed.version, identity, installed },
            ...{ relations: relationsOf(installed), rank: Number.MAX_SAFE_INTEGER },
          }
        : { ...offered, installed };
    byIdentity.set(identity, candidate);
    if (offered === undefined) alone.push(candidate);
    else replaced.set(offered, candidate);
  }
  const byName = new Map(universe.byName);
  const put = (candidate: ApkCandidate): void => {
    for (const [name] of namesOf(candidate)) {
      byName.set(
        name,
        (byName.get(name) ?? []).map((one) => ({ ...one, candidate: replaced.get(one.candidate) ?? one.candidate })),
      );
    }
  };
  for (const candidate of replaced.values()) put(candidate);
  const added = arrange(alone);
  for (const [name, providers] of added.byName) byName.set(name, [...(byName.get(name) ?? []), ...providers]);
  const triggered = universe.triggered.map((one) => replaced.get(one) ?? one);
  return { snapshots: universe.snapshots, byName, byIdentity, triggered: [...triggered, ...added.triggered] };
}

/** Is the dependency met by this provider of its name (undefined: nothing has the name)? */
export function isMet(dependency: ApkDependency, provider: ApkProvider | undefined): boolean {
  if (provider === undefined) return dependency.conflict;
  return fits(dependency, provider) !== dependency.conflict;
}

function fits({ operator, version, fuzzy, checksum }: ApkDependency, provider: ApkProvider): boolean {
  if (checksum !== undefined) return provider.candidate.identity === checksum.slice(0, IDENTITY_DIGITS);
  if (fuzzy !== undefined) return provider.version !== undefined && matchesFuzzily(provider.version, fuzzy);
  if (operator === undefined || version === undefined) return true;
  return provider.version !== undefined && satisfies(provider.version, operator, version);
}

/** Versions of one name; none comes before any. */
export function compareProvided(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareVersions(a, b);
}
