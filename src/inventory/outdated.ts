import {
  type ChangelogEntry,
  type EcosystemId,
  ecosystemOf,
  type PackageEcosystem,
  type RepositoryPackage,
  type RepositorySnapshot,
  type SupportNote,
  unsupportedPackages,
} from '../distro/index.ts';
import { indexCandidates, resolveCandidates, type Upgradable, type UpgradeCandidate } from '../feed/index.ts';
import { explanationOf, type FindAdvisories, UNEXPLAINED, type UpdateExplanation } from './explain.ts';
import { severityOf } from './grade.ts';
import { announcedChanges, type Changes, missedChanges } from './missed-changes.ts';
import type { Finding, ImageContents, UpdateCheck } from './types.ts';

/** Explains an update from the candidate's changelog; undefined where none can be had. Must not throw for one package. */
export type ReadChangelog = (candidate: RepositoryPackage) => Promise<readonly ChangelogEntry[] | undefined>;

export interface OutdatedOptions {
  readonly changelog?: ReadChangelog;
  /** Changelogs asked for at the same time. */
  readonly parallel?: number;
  /** Imported advisories: they rate and name what is found, and find nothing. */
  readonly advisories?: FindAdvisories;
  /** Is a product that a VEX statement names (package URL, digest) the image at hand? Default: none is. */
  readonly isThisImage?: (product: string) => boolean;
  /** Lines of the distribution on packages it no longer supports, and today (seconds since the epoch). */
  readonly support?: { readonly notes: readonly SupportNote[]; readonly now: number };
}

const PARALLEL = 4;

/** What decides whether packages are outdated: an image's, or all distinct ones of a scope. */
export type Checked = Pick<ImageContents, 'distribution' | 'architecture' | 'ecosystem'> & {
  readonly packages: readonly Upgradable[];
  /** The packages are those of many images: a version counts although a newer one of its package is there too. */
  readonly ofManyImages?: boolean;
};

/**
 * Which installed packages a repository of their distribution offers a newer version of: the set that
 * `apt list --upgradable` shows with these repositories enabled.
 *
 * A finding is `security` when the candidate or any version skipped on the way to it comes from a security pocket, or
 * when a changelog entry in between was uploaded to one: a point release that carries last month's security fix is
 * one, for whoever missed it. Where repositories do not tell (apk, pacman), imported advisories do.
 */
export async function findOutdated(
  contents: Checked,
  snapshots: readonly RepositorySnapshot[],
  options: OutdatedOptions = {},
): Promise<UpdateCheck> {
  const serving = snapshots
    .filter((snapshot) => snapshot.distribution === contents.distribution?.name)
    // The native architecture first: packages for `all` belong to it.
    .sort((a, b) => rankOf(a, contents.architecture) - rankOf(b, contents.architecture));
  const reason = unsupported(contents, serving);
  if (reason !== undefined) return { kind: 'unsupported', reason };
  const ecosystem = ecosystemOf(contents.ecosystem ?? contents.distribution?.family ?? 'deb');
  const updates = resolveCandidates(newestOnly(contents, ecosystem), indexCandidates(serving, ecosystem));
  const dates = new Map(serving.map((snapshot) => [snapshot.id, snapshot.date]));
  const changelogs = await readChangelogs(updates, serving, options);
  const explain = await explainer(contents.distribution?.name ?? '', updates, ecosystem, options);
  const findings = updates.map((update) =>
    toFinding(update, {
      ecosystem,
      changes: announcedChanges(serving, update.installed.name) ?? {
        kind: 'changelog',
        entries: changelogs.get(update.candidate) ?? [],
      },
      repositoryDate: dates.get(update.candidate.repository) ?? 0,
      explanation: explain(update),
    }),
  );
  const { notes, now } = options.support ?? { notes: [], now: 0 };
  const unsupportedOnes = unsupportedPackages(contents.packages, notes, now);
  return {
    kind: 'checked',
    findings: findings.sort(bySeverity),
    ...(unsupportedOnes.length === 0 ? {} : { unsupportedPackages: unsupportedOnes }),
  };
}

/**
 * rpm keeps several versions of some packages (kernels) beside one another; its managers look at the newest alone. Other
 * families have each package once.
 */
function newestOnly({ packages, ofManyImages }: Checked, { id, compareVersions }: PackageEcosystem) {
  if (id !== 'rpm' || ofManyImages === true) return packages;
  const newest = new Map<string, Upgradable>();
  for (const item of packages) {
    const key = `${item.name}.${item.architecture}`;
    const known = newest.get(key);
    if (known === undefined || compareVersions(item.version, known.version) > 0) newest.set(key, item);
  }
  return [...newest.values()];
}

const rankOf = (snapshot: RepositorySnapshot, native: string): number => (snapshot.architecture === native ? 0 : 1);

function unsupported(contents: Checked, serving: readonly RepositorySnapshot[]): string | undefined {
  const { distribution, architecture, packages } = contents;
  if (distribution === undefined)
    return 'no distribution was recognised (no os-release, no release file, no telling package)';
  if (packages.length === 0) return `no package database of ${distribution.name} was found`;
  if (serving.length === 0) return `no repository is known for ${distribution.name}`;
  if (serving[0]?.architecture === architecture) return undefined;
  return `no repository of ${distribution.name} is known for ${architecture}`;
}

/** One changelog a source version: binaries of one source share it. */
async function readChangelogs(
  updates: readonly UpgradeCandidate<Upgradable>[],
  serving: readonly RepositorySnapshot[],
  options: OutdatedOptions,
): Promise<ReadonlyMap<RepositoryPackage, readonly ChangelogEntry[]>> {
  const read = options.changelog;
  const found = new Map<RepositoryPackage, readonly ChangelogEntry[]>();
  // What repositories announce themselves need not be read out of packages.
  if (read === undefined || serving.some(({ changes }) => changes !== undefined)) return found;
  const groups = [
    ...Map.groupBy(updates, ({ candidate }) => `${candidate.source.name} ${candidate.source.version}`).values(),
  ];
  const work = async (): Promise<void> => {
    for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
      const entries = (await read((group[0] as UpgradeCandidate<Upgradable>).candidate)) ?? [];
      for (const update of group) found.set(update.candidate, entries);
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? PARALLEL }, work));
  return found;
}

/** Asks for everything once; then answers update by update. */
async function explainer(
  distribution: string,
  updates: readonly UpgradeCandidate<Upgradable>[],
  ecosystem: PackageEcosystem,
  options: OutdatedOptions,
): Promise<(update: UpgradeCandidate<Upgradable>) => UpdateExplanation> {
  if (options.advisories === undefined || updates.length === 0) return () => UNEXPLAINED;
  const names = updates.flatMap(({ installed }) => [installed.name, installed.source.name]);
  const byName = Map.groupBy(
    await options.advisories(distribution, [...new Set(names)]),
    ({ affected }) => affected.name,
  );
  const of = (name: string) => byName.get(name) ?? [];
  return ({ installed, candidate }) => {
    const { name, source } = installed;
    const entries = [...of(name), ...(source.name === name ? [] : of(source.name)), ...of('')];
    return explanationOf(entries, installed, candidate, ecosystem.compareVersions, options.isThisImage);
  };
}

/**
 * Families whose repositories never tell security updates from others: what imported advisories (Alpine's secdb) say an
 * update fixes makes it one.
 */
const UNMARKED: ReadonlySet<EcosystemId> = new Set(['apk', 'alpm']);

interface Evidence {
  readonly ecosystem: PackageEcosystem;
  readonly changes: Changes;
  /** Seconds since the epoch. */
  readonly repositoryDate: number;
  readonly explanation: UpdateExplanation;
}

function toFinding({ installed, candidate, ...update }: UpgradeCandidate<Upgradable>, evidence: Evidence): Finding {
  const { changes, repositoryDate, explanation } = evidence;
  const changed = missedChanges(changes, installed, candidate, evidence.ecosystem.compareVersions);
  const missed = changed.entries;
  const { fixes, notAffected, scores } = explanation;
  const isFix = UNMARKED.has(evidence.ecosystem.id) && fixes.some((id) => !notAffected.has(id));
  const isAnnounced = missed.some((entry) => /(?:^|[\s-])security\b/.test(entry.distributions));
  const security = update.security || isAnnounced || isFix;
  const advisories = sortAdvisories([...missed.flatMap((entry) => entry.advisories), ...fixes]);
  const ratings = new Map([...changed.ratings, ...explanation.ratings]);
  const cleared = advisories.flatMap((id) => notAffected.get(id) ?? []);
  const known = advisories.flatMap((id) => scores.get(id) ?? []);
  const dates = missed.flatMap((entry) => (entry.date === undefined ? [] : [entry.date]));
  // Where nobody keeps a changelog, when the candidate was built is when it was published, give or take a day.
  const since = dates.length === 0 ? (candidate.built ?? 0) || repositoryDate : dates.reduce((a, b) => Math.min(a, b));
  return {
    package: installed.name,
    arch: candidate.architecture,
    installed: installed.version,
    installedArch: installed.architecture,
    candidate: candidate.version,
    repository: candidate.repository,
    security,
    severity: severityOf({
      ...{ security, urgencies: changed.urgencies, advisories },
      ...{ ratings, notAffected },
    }),
    advisories,
    since: isoDate(since),
    ...(known.length === 0 ? {} : { score: Math.max(...known) }),
    ...(cleared.length === 0 ? {} : { notAffected: cleared }),
  };
}

/** Years beyond what Date can hold come from hostile changelogs alone. */
function isoDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** CVE ids by year, then number; others behind them. Each once. */
function sortAdvisories(ids: readonly string[]): readonly string[] {
  const parts = (id: string): readonly number[] =>
    /^CVE-\d+-\d+$/.test(id) ? id.split('-').slice(1).map(Number) : [Number.POSITIVE_INFINITY];
  return [...new Set(ids)].sort((a, b) => {
    const [left, right] = [parts(a), parts(b)];
    return (left[0] ?? 0) - (right[0] ?? 0) || (left[1] ?? 0) - (right[1] ?? 0) || (a < b ? -1 : 1);
  });
}

const SEVERITIES = ['critical', 'important', 'other'] as const;

/** Worst first, then oldest, then by name. */
function bySeverity(a: Finding, b: Finding): number {
  return (
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    (a.since < b.since ? -1 : a.since > b.since ? 1 : 0) ||
    (a.package < b.package ? -1 : a.package > b.package ? 1 : 0) ||
    (a.installedArch < b.installedArch ? -1 : 1)
  );
}
