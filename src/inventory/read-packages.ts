import { messageOf } from '../base/index.ts';
import { type InstalledPackage, readStatus } from '../distro/index.ts';
import { PATHS } from './captured-paths.ts';
import type { FileView } from './file-view.ts';
import type { IncompletePart, PackageDatabaseKind } from './types.ts';

export interface InstalledState {
  readonly kind: PackageDatabaseKind;
  /** Sorted by name, then architecture; each once. */
  readonly packages: readonly InstalledPackage[];
  readonly incomplete: readonly IncompletePart[];
}

/** Stanza problems that are spelled out; the rest are counted. */
const MAX_PROBLEMS = 20;

/** The package database of a root. A broken stanza costs that package alone, and is named in `incomplete`. */
export async function readInstalled(view: FileView): Promise<InstalledState> {
  const incomplete: IncompletePart[] = [];
  const parts: { path: string; bytes: Uint8Array }[] = [];
  const take = async (path: string): Promise<void> => {
    const file = await view.read(path);
    if (file?.kind === 'content') parts.push({ path, bytes: file.bytes });
    else if (file?.kind === 'unread') incomplete.push({ path, reason: file.reason });
  };
  await take(PATHS.status);
  const hasStatus = parts.length > 0;
  for (const name of await view.list(PATHS.statusFolder)) {
    if (!name.endsWith('.md5sums')) await take(`${PATHS.statusFolder}/${name}`);
  }
  const packages: InstalledPackage[] = [];
  for (const { path, bytes } of parts) {
    try {
      const database = readStatus(bytes, { what: path });
      packages.push(...database.packages);
      incomplete.push(...problemsOf(path, database.problems));
    } catch (error) {
      incomplete.push({ path, reason: messageOf(error) });
    }
  }
  const kind = hasStatus ? 'dpkg-status' : parts.length > 0 ? 'dpkg-status.d' : 'none';
  return { kind, ...unique(packages, incomplete) };
}

function problemsOf(
  path: string,
  problems: readonly { readonly line: number; readonly message: string }[],
): readonly IncompletePart[] {
  const spelled = problems.slice(0, MAX_PROBLEMS).map((problem) => ({
    path,
    reason: problem.line > 0 ? `line ${problem.line}: ${problem.message}` : problem.message,
  }));
  const more = problems.length - spelled.length;
  return more > 0 ? [...spelled, { path, reason: `and ${more} more broken stanzas` }] : spelled;
}

/** Of a package that stands twice the later stanza counts, as dpkg has it. */
function unique(
  packages: readonly InstalledPackage[],
  incomplete: readonly IncompletePart[],
): Omit<InstalledState, 'kind'> {
  const byKey = new Map<string, InstalledPackage>();
  const twice = new Set<string>();
  for (const item of packages) {
    const key = `${item.name}:${item.architecture}`;
    if (byKey.has(key)) twice.add(key);
    byKey.set(key, item);
  }
  const sorted = [...byKey.values()].sort((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
  const doubled = [...twice].sort().map((key) => ({ path: PATHS.status, reason: `${key} stands there twice` }));
  return { packages: sorted, incomplete: [...incomplete, ...doubled.slice(0, MAX_PROBLEMS)] };
}

/** Code unit order: the same on every machine, whatever its locale. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** GOARCH → the architecture's name in Debian. */
const DEBIAN_ARCHITECTURES: Readonly<Record<string, string>> = {
  '386': 'i386',
  arm: 'armhf',
  ppc64le: 'ppc64el',
  mips64le: 'mips64el',
  loong64: 'loong64',
};

/** The root's native architecture: dpkg's own package says it; else what most packages have; else the config's. */
export function nativeArchitecture(packages: readonly InstalledPackage[], goArchitecture: string): string {
  const dpkg = packages.find((item) => item.name === 'dpkg');
  if (dpkg !== undefined && dpkg.architecture !== 'all') return dpkg.architecture;
  const counts = new Map<string, number>();
  for (const { architecture } of packages) {
    if (architecture !== 'all' && architecture !== '') counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  const most = [...counts].sort(([a, m], [b, n]) => n - m || order(a, b))[0]?.[0];
  return most ?? DEBIAN_ARCHITECTURES[goArchitecture] ?? goArchitecture;
}
