import type { Ecosystem, FileFinding, FoundPackage } from '../types.ts';
import { languagePurl } from './purl.ts';

/** What a reader made of a file that is still there in the finished root. */
export interface SurvivingFinding {
  readonly finding: FileFinding;
  /** Diff id of the layer that brought the file; undefined for a root folder. */
  readonly layer: string | undefined;
  /** Package of the distribution whose file it is. */
  readonly owner: string | undefined;
}

/** One place where a package was found. */
export interface PackageLocation {
  readonly path: string;
  /** Where inside that file, outermost archive first. */
  readonly within?: string;
  /** Which reader found it: `package.json`, `dist-info`, … */
  readonly evidence: string;
  /** Diff id; undefined for a root folder. */
  readonly layer: string | undefined;
  readonly guessed?: true;
  /** `FoundPackage.details` */
  readonly details?: Readonly<Record<string, string>>;
}

/** A package of a language at one version, however often it is there. */
export interface LanguagePackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  /** `declared`: a lock file names it and nothing shows that its files are there. */
  readonly state: 'installed' | 'declared';
  /** Needed for development alone, wherever it stands. */
  readonly dev: boolean;
  /** The distribution's package that brought it: part of that one, to be counted there. */
  readonly owner: string | undefined;
  /** At least one; sorted by path. */
  readonly locations: readonly PackageLocation[];
}

interface Candidate {
  readonly item: FoundPackage;
  readonly source: SurvivingFinding;
}

/** Where packages of a lock file are, seen from its folder: when any is there, the file tells of nothing else. */
const DEPENDENCY_FOLDERS: Readonly<Partial<Record<Ecosystem, string>>> = {
  npm: 'node_modules',
  composer: 'vendor',
  hex: 'deps',
};

/** What is installed beats what is declared; equal packages come together; sorted by ecosystem, name, version. */
export function languagePackages(findings: readonly SurvivingFinding[]): readonly LanguagePackage[] {
  const all = findings.flatMap((source) => (source.finding.packages ?? []).map((item) => ({ item, source })));
  const installed = all.filter(({ item }) => item.state === 'installed');
  const declared = all.filter(({ item }) => item.state === 'declared');
  const places = devPlaces(declared);
  const groups = new Map<string, Candidate[]>();
  for (const candidate of [...installed, ...undiscovered(declared, installed)]) {
    const { item, source } = candidate;
    const key = JSON.stringify([item.ecosystem, item.name, item.version, item.state, source.owner ?? null]);
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [candidate]);
    else list.push(candidate);
  }
  return [...groups.values()]
    .map((group) => merged(group, places))
    .sort(
      (a, b) =>
        order(a.ecosystem, b.ecosystem) ||
        order(a.name, b.name) ||
        order(a.version, b.version) ||
        order(a.state, b.state) ||
        order(a.owner ?? '', b.owner ?? ''),
    );
}

/** Folders of packages that a lock file marks as needed for development alone. */
function devPlaces(declared: readonly Candidate[]): ReadonlySet<string> {
  return new Set(declared.flatMap(({ item }) => (item.dev === true && item.at !== undefined ? [item.at] : [])));
}

/** Declared packages that nothing says are installed, or installed at another version. */
function undiscovered(declared: readonly Candidate[], installed: readonly Candidate[]): readonly Candidate[] {
  if (declared.length === 0) return [];
  const versions = new Set(installed.map(({ item }) => JSON.stringify([item.ecosystem, item.name, item.version])));
  const names = new Set(installed.map(({ item }) => JSON.stringify([item.ecosystem, item.name])));
  const filled = new Map<string, boolean>();
  const isFilled = (ecosystem: Ecosystem, lockFile: string): boolean => {
    const below = DEPENDENCY_FOLDERS[ecosystem];
    if (below === undefined) return false;
    const folder = lockFile.slice(0, lockFile.lastIndexOf('/') + 1);
    // npm keeps a copy of its lock file inside.
    const prefix = `/${folder}`.endsWith(`/${below}/`) ? folder : `${folder}${below}/`;
    const key = `${ecosystem} ${prefix}`;
    let answer = filled.get(key);
    if (answer === undefined) {
      answer = installed.some(({ item, source }) => {
        return item.ecosystem === ecosystem && source.finding.path.startsWith(prefix);
      });
      filled.set(key, answer);
    }
    return answer;
  };
  return declared.filter(({ item, source }) => {
    if (versions.has(JSON.stringify([item.ecosystem, item.name, item.version]))) return false;
    // Of npm packages several versions live side by side; of others the installed one took the place.
    if (item.ecosystem !== 'npm' && names.has(JSON.stringify([item.ecosystem, item.name]))) return false;
    return !isFilled(item.ecosystem, source.finding.path);
  });
}

function merged(group: readonly Candidate[], dev: ReadonlySet<string>): LanguagePackage {
  const { item, source } = group[0] as Candidate;
  return {
    ecosystem: item.ecosystem,
    name: item.name,
    version: item.version,
    purl: languagePurl(item.ecosystem, item.name, item.version),
    state: item.state,
    dev: group.every((one) => one.item.dev === true || dev.has(folderOf(one.source.finding.path))),
    owner: source.owner,
    locations: group.map(locationOf).sort((a, b) => order(a.path, b.path) || order(a.within ?? '', b.within ?? '')),
  };
}

function locationOf({ item, source }: Candidate): PackageLocation {
  return {
    path: source.finding.path,
    ...(item.within === undefined ? {} : { within: item.within }),
    evidence: source.finding.reader,
    layer: source.layer,
    ...(item.guessed === undefined ? {} : { guessed: item.guessed }),
    ...(item.details === undefined ? {} : { details: item.details }),
  };
}

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Code unit order: the same on every machine, whatever its locale. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
