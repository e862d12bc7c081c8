import { type AdvisorySeverity, worseOf } from '../advisory/index.ts';
import type { ChangelogEntry, PackageIdentity, RepositorySnapshot } from '../distro/index.ts';

/** What is known of how a package came to its candidate. */
export type Changes =
  /** Its source's changelog, as Debian's packages carry it. */
  | { readonly kind: 'changelog'; readonly entries: readonly ChangelogEntry[] }
  /** What the repository itself announced of the package. */
  | { readonly kind: 'announced'; readonly entries: readonly ChangelogEntry[] };

export interface MissedChanges {
  readonly entries: readonly ChangelogEntry[];
  /** Words of Debian's uploaders; announcements have ratings instead. */
  readonly urgencies: readonly string[];
  /** Of the ids that the entries name. */
  readonly ratings: ReadonlyMap<string, AdvisorySeverity>;
}

const RATINGS: ReadonlySet<string> = new Set<AdvisorySeverity>(['critical', 'high', 'medium', 'low', 'none']);

/** Entries after the installed version, up to the candidate. */
export function missedChanges(
  { kind, entries }: Changes,
  installed: PackageIdentity,
  candidate: PackageIdentity,
  compare: (a: string, b: string) => number,
): MissedChanges {
  const [from, to] =
    kind === 'changelog'
      ? [installed.source.version, candidate.source.version]
      : [installed.version, candidate.version];
  const missed = entries.filter(({ version }) => compare(version, from) > 0 && compare(version, to) <= 0);
  if (kind === 'changelog')
    return { entries: missed, urgencies: missed.map(({ urgency }) => urgency), ratings: new Map() };
  const ratings = new Map<string, AdvisorySeverity>();
  for (const { urgency, advisories } of missed) {
    for (const id of RATINGS.has(urgency) ? advisories : []) {
      ratings.set(id, worseOf(ratings.get(id), urgency as AdvisorySeverity) as AdvisorySeverity);
    }
  }
  return { entries: missed, urgencies: [], ratings };
}

/** What repositories announced of a package; undefined where none of them announces anything. */
export function announcedChanges(snapshots: readonly RepositorySnapshot[], name: string): Changes | undefined {
  const announcing = snapshots.flatMap(({ changes }) => changes ?? []);
  if (announcing.length === 0) return undefined;
  return { kind: 'announced', entries: announcing.flatMap((changes) => changes.get(name) ?? []) };
}
