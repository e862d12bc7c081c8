import type { Advisory, AdvisorySeverity, AffectedPackage } from './types.ts';

/** What matching needs to know of an advisory. */
export type AdvisoryFacts = Pick<Advisory, 'id' | 'aliases' | 'severity' | 'score' | 'published' | 'urls'>;

/** One row: an advisory and what it says of one package. */
export interface AdvisoryEntry {
  readonly advisory: AdvisoryFacts;
  readonly affected: AffectedPackage;
}

/** Negative, 0 or positive: the distribution's own order. */
export type CompareVersions = (a: string, b: string) => number;

/** An installed package under both its names. */
export interface InstalledNames {
  readonly name: string;
  readonly version: string;
  readonly source: { readonly name: string; readonly version: string };
}

/** Version to compare with, by the name the advisory uses; undefined: it is about another package. */
function versionFor(affected: AffectedPackage, pkg: InstalledNames): string | undefined {
  if (affected.kind !== 'binary' && affected.name === pkg.source.name) return pkg.source.version;
  if (affected.kind !== 'source' && affected.name === pkg.name) return pkg.version;
  return undefined;
}

/** Is this version of the package in the advisory's range? What a document writes may be no version at all: then no. */
function inAffectedRange(affected: AffectedPackage, version: string, compare: CompareVersions): boolean {
  const { introduced, fixed, lastAffected, versions } = affected;
  try {
    if (versions !== undefined && introduced === undefined && fixed === undefined && lastAffected === undefined) {
      return versions.some((one) => compare(one, version) === 0);
    }
    if (introduced !== undefined && compare(version, introduced) < 0) return false;
    if (fixed !== undefined) return compare(version, fixed) < 0;
    return lastAffected === undefined || compare(version, lastAffected) <= 0;
  } catch {
    return false;
  }
}

/** What an update of a package brings, according to advisories. */
export interface Explained {
  /** Fixed between the installed version and the candidate. */
  readonly fixes: readonly AdvisoryEntry[];
  /** Said to be no issue here, by id and alias. */
  readonly notAffected: ReadonlyMap<string, AdvisoryEntry>;
}

/**
 * Which of the entries an update from `installed` to `candidate` fixes: the installed version is in the range, the
 * candidate no longer.
 */
export function explainUpdate(
  entries: Iterable<AdvisoryEntry>,
  installed: InstalledNames,
  candidate: InstalledNames,
  compare: CompareVersions,
): Explained {
  const fixes: AdvisoryEntry[] = [];
  const notAffected = new Map<string, AdvisoryEntry>();
  for (const entry of entries) {
    const { affected, advisory } = entry;
    const before = versionFor(affected, installed);
    if (before === undefined) continue;
    if (affected.status === 'not_affected') {
      if (holdsFor(affected, before, compare))
        for (const id of [advisory.id, ...advisory.aliases]) notAffected.set(id, entry);
      continue;
    }
    const after = versionFor(affected, candidate);
    if (affected.status !== 'fixed' || affected.fixed === undefined || after === undefined) continue;
    if (inAffectedRange(affected, before, compare) && !inAffectedRange(affected, after, compare)) fixes.push(entry);
  }
  return { fixes, notAffected };
}

/** Does a statement of `not_affected` or `fixed` cover this version? One without version covers all. */
function holdsFor(affected: AffectedPackage, version: string, compare: CompareVersions): boolean {
  return affected.versions === undefined || inAffectedRange(affected, version, compare);
}

/** Entries that say an installed version is affected, whether or not anything fixes it. */
export function affecting(
  entries: Iterable<AdvisoryEntry>,
  pkg: InstalledNames,
  compare: CompareVersions,
): readonly AdvisoryEntry[] {
  const all = [...entries];
  const cleared = explainUpdate(all, pkg, pkg, compare).notAffected;
  return all.filter(({ advisory, affected }) => {
    if (affected.status !== 'affected' && affected.status !== 'fixed') return false;
    if (affected.status === 'fixed' && affected.fixed === undefined) return false;
    const version = versionFor(affected, pkg);
    return (
      version !== undefined &&
      inAffectedRange(affected, version, compare) &&
      ![advisory.id, ...advisory.aliases].some((id) => cleared.has(id))
    );
  });
}

const RANKS: readonly AdvisorySeverity[] = ['none', 'low', 'medium', 'high', 'critical'];

/** The package's own rating where it has one. */
export const severityOfEntry = ({ advisory, affected }: AdvisoryEntry): AdvisorySeverity | undefined =>
  affected.severity ?? advisory.severity;

export function worseOf(
  a: AdvisorySeverity | undefined,
  b: AdvisorySeverity | undefined,
): AdvisorySeverity | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return RANKS.indexOf(a) >= RANKS.indexOf(b) ? a : b;
}
