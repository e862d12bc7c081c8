import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeraklitError, messageOf, type Progress, silentProgress, writeFileAtomic } from '../base/index.ts';
import {
  advisoriesBetween,
  type ChangelogEntry,
  type MissedAdvisories,
  openDeb,
  type RepositoryPackage,
  type RepositorySnapshot,
} from '../distro/index.ts';
import type { UpgradeCandidate } from './candidates.ts';
import { changelogOfPackage } from './changelog-of-package.ts';
import type { PackageCache } from './packages.ts';

export interface AdvisoryReaderOptions {
  /** Cache folder (`Home.cache`). */
  readonly cache: string;
  readonly packages: PackageCache;
  readonly repositories: readonly RepositorySnapshot[];
  /** Sources read at a time. Default 4. */
  readonly concurrency?: number;
}

export interface AdvisoryReport {
  readonly missed: ReadonlyMap<UpgradeCandidate, MissedAdvisories>;
  /** Sources whose changelog could not be read, and why: their findings stand, unexplained. */
  readonly problems: readonly string[];
}

export interface AdvisoryReader {
  /** Changelog of the candidate's source, newest entry first; empty where the package carries none. */
  changelog(candidate: RepositoryPackage, signal?: AbortSignal): Promise<readonly ChangelogEntry[]>;
  /**
   * CVE ids and dates of what an update brings; empty where the package carries no changelog.
   * @throws FEED_* when a package cannot be fetched, DISTRO_PACKAGE_INVALID
   */
  read(candidate: UpgradeCandidate, signal?: AbortSignal): Promise<MissedAdvisories>;
  /** All of them; a source that cannot be read is a problem listed, not an error. Progress counts sources. */
  readAll(candidates: readonly UpgradeCandidate[], progress?: Progress, signal?: AbortSignal): Promise<AdvisoryReport>;
}

/** Binaries of one source that are opened in search of its changelog. */
const MAX_BINARIES = 4;
/** Newest entries that are kept: years of any package. */
const MAX_ENTRIES = 500;
const FORMAT = 1;

const NOTHING: MissedAdvisories = { advisories: [], since: undefined };

const keyOf = ({ source }: Pick<RepositoryPackage, 'source'>): string => `${source.name}_${source.version}`;

/** The linked-to binary, then what is in the cache already, then the smallest. */
async function inOrder(
  binaries: readonly RepositoryPackage[],
  packages: PackageCache,
): Promise<readonly RepositoryPackage[]> {
  const rated = await Promise.all(
    binaries.map(async (binary) => ({ binary, cost: (await packages.has(binary)) ? 0 : binary.size })),
  );
  return rated.sort((a, b) => a.cost - b.cost || a.binary.size - b.binary.size).map(({ binary }) => binary);
}

/** Reads changelogs out of packages, each source version once in its life. */
export function createAdvisoryReader(options: AdvisoryReaderOptions): AdvisoryReader {
  const { packages, concurrency = 4 } = options;
  const running = new Map<string, Promise<readonly ChangelogEntry[]>>();
  let bySource: Map<string, RepositoryPackage[]> | undefined;

  const binariesOf = (candidate: RepositoryPackage): readonly RepositoryPackage[] => {
    bySource ??= Map.groupBy(
      options.repositories.flatMap((snapshot) => snapshot.packages),
      keyOf,
    );
    return bySource.get(keyOf(candidate)) ?? [candidate];
  };

  const search = async (candidate: RepositoryPackage, signal?: AbortSignal): Promise<readonly ChangelogEntry[]> => {
    const waiting = [...(await inOrder(binariesOf(candidate), packages))];
    for (let opened = 0; opened < MAX_BINARIES; opened += 1) {
      const binary = waiting.shift();
      if (binary === undefined) break;
      const deb = await openDeb(await readFile(await packages.fetch(binary, signal)), binary.filename);
      const found = await changelogOfPackage(deb, candidate.source.name);
      if (found.kind === 'entries') return found.entries.slice(0, MAX_ENTRIES);
      if (found.kind === 'elsewhere') {
        const linked = waiting.findIndex(({ name }) => name === found.binary);
        if (linked >= 0) waiting.unshift(...waiting.splice(linked, 1));
      }
    }
    return [];
  };

  const load = async (candidate: RepositoryPackage, signal?: AbortSignal): Promise<readonly ChangelogEntry[]> => {
    const path = join(options.cache, 'changelogs', `${encodeURIComponent(keyOf(candidate))}.v${FORMAT}.json`);
    try {
      return JSON.parse(await readFile(path, 'utf8'), (key, value) => (key === 'date' ? (value ?? undefined) : value));
    } catch {
      // Missing or damaged: read from a package.
    }
    const entries = await search(candidate, signal);
    await writeFileAtomic(path, JSON.stringify(entries.map((entry) => ({ ...entry, date: entry.date ?? null }))));
    return entries;
  };

  const entriesOf = (candidate: RepositoryPackage, signal?: AbortSignal): Promise<readonly ChangelogEntry[]> => {
    const key = keyOf(candidate);
    const known = running.get(key);
    if (known !== undefined) return known;
    const started = load(candidate, signal);
    running.set(key, started);
    started.catch(() => running.delete(key));
    return started;
  };

  const read = async (one: UpgradeCandidate, signal?: AbortSignal): Promise<MissedAdvisories> => {
    const { installed, candidate } = one;
    if (installed.source.name !== candidate.source.name) return NOTHING;
    if (installed.source.version === candidate.source.version) return NOTHING;
    return advisoriesBetween(await entriesOf(candidate, signal), installed.source.version, candidate.source.version);
  };

  const readAll = async (
    candidates: readonly UpgradeCandidate[],
    progress: Progress = silentProgress,
    signal?: AbortSignal,
  ): Promise<AdvisoryReport> => {
    const missed = new Map<UpgradeCandidate, MissedAdvisories>(candidates.map((candidate) => [candidate, NOTHING]));
    const problems: string[] = [];
    const sources = [...Map.groupBy(candidates, ({ candidate }) => keyOf(candidate))];
    const queue = sources.values();
    let done = 0;
    const work = async (): Promise<void> => {
      for (const [source, same] of queue) {
        try {
          for (const candidate of same) missed.set(candidate, await read(candidate, signal));
        } catch (error) {
          if (!isHeraklitError(error)) throw error;
          problems.push(`${source}: ${messageOf(error)}`);
        }
        done += 1;
        progress.update('advisories', done, sources.length, source);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, sources.length) }, work));
    return { missed, problems };
  };

  return { changelog: entriesOf, read, readAll };
}
