import type { Ecosystem, LanguagePackage } from '../language/index.ts';
import { languageVersionOrder } from '../language/versions/index.ts';

/** A package of a language, as small as it gets. */
export interface LanguageRef {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
}

export interface LanguageMove {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface LanguageDiff {
  readonly added: readonly LanguageRef[];
  readonly removed: readonly LanguageRef[];
  readonly upgraded: readonly LanguageMove[];
  readonly downgraded: readonly LanguageMove[];
}

/**
 * Installed packages of languages that differ, those of the distribution's packages left out. Several versions of one
 * package may stand side by side: what went and what came are paired in the order of versions.
 */
export function diffLanguage(before: readonly LanguagePackage[], after: readonly LanguagePackage[]): LanguageDiff {
  const [old, now] = [versionsByName(before), versionsByName(after)];
  const diff = {
    added: [] as LanguageRef[],
    removed: [] as LanguageRef[],
    upgraded: [] as LanguageMove[],
    downgraded: [] as LanguageMove[],
  };
  for (const key of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [first] = old.get(key) ?? now.get(key) ?? [];
    if (first === undefined) continue;
    const { ecosystem, name } = first;
    const compare = languageVersionOrder(ecosystem);
    const only = (mine: Index, others: Index): readonly string[] => {
      const theirs = new Set((others.get(key) ?? []).map(({ version }) => version));
      const versions = (mine.get(key) ?? []).map(({ version }) => version);
      return versions.filter((version) => !theirs.has(version)).sort(compare);
    };
    const [gone, come] = [only(old, now), only(now, old)];
    const pairs = Math.min(gone.length, come.length);
    for (let at = 0; at < pairs; at += 1) {
      const move = { ecosystem, name, from: gone[at] as string, to: come[at] as string };
      (compare(move.to, move.from) >= 0 ? diff.upgraded : diff.downgraded).push(move);
    }
    diff.removed.push(...gone.slice(pairs).map((version) => ({ ecosystem, name, version })));
    diff.added.push(...come.slice(pairs).map((version) => ({ ecosystem, name, version })));
  }
  return diff;
}

type Index = ReadonlyMap<string, readonly LanguagePackage[]>;

function versionsByName(packages: readonly LanguagePackage[]): Index {
  const own = packages.filter((item) => item.owner === undefined && item.state === 'installed');
  return Map.groupBy(own, (item) => `${item.ecosystem} ${item.name}`);
}
