/** Who needs a file: the image's entry point, any program, or a library that programs may load while they run. */
export type LinkedBy = 'entrypoint' | 'executable' | 'library';

/** Which files and packages are really used. What stands in neither map is merely contained. */
export interface ImageUsage {
  /** Programs and scripts that the entry point starts; empty where the image names no command or none is found. */
  readonly entry: readonly string[];
  /** By path: programs of the entry point and every library that a program or library is linked against. */
  readonly files: ReadonlyMap<string, LinkedBy>;
  /** By name of the package that owns such files: the strongest of them. */
  readonly packages: ReadonlyMap<string, LinkedBy>;
}

/** Raise it whenever the same image would be told otherwise: what was recorded by older rules then counts as unknown. */
export const USAGE_RULES = 1;

const STRENGTH: Readonly<Record<LinkedBy, number>> = { entrypoint: 3, executable: 2, library: 1 };

/** The stronger of two. */
export const stronger = (a: LinkedBy | undefined, b: LinkedBy): LinkedBy =>
  a !== undefined && STRENGTH[a] >= STRENGTH[b] ? a : b;

/** What is said of a package or finding: `loaded` is for `heraklit agent` to say, who sees containers run. */
export interface PackageUsage {
  readonly usage: 'contained' | 'linked' | 'loaded';
  readonly linkedBy?: LinkedBy;
}

/**
 * `loaded`: in a container now; `entrypoint`: that, or linked by the entry point; `linked`: by anything. What is not
 * known passes all but the first.
 */
export type UsageFilter = 'entrypoint' | 'linked' | 'loaded';

/** Whether what is said of a package passes. */
export function isUsed(filter: UsageFilter | undefined, { usage, linkedBy: by }: Partial<PackageUsage>): boolean {
  if (filter === undefined || usage === 'loaded') return true;
  if (filter === 'loaded') return false;
  return usage === undefined || (filter === 'linked' ? usage === 'linked' : by === 'entrypoint');
}

const CONTAINED: PackageUsage = { usage: 'contained' };

/** Undefined where nothing was looked at: an SBOM, a scan of the package database alone. */
export function usageOfPackage(usage: ImageUsage | undefined, name: string): PackageUsage | undefined {
  if (usage === undefined) return undefined;
  return usageBy(usage.packages.get(name));
}

/** The same for a package of a language, by the files it was found in. */
export function usageOfFiles(usage: ImageUsage | undefined, paths: readonly string[]): PackageUsage | undefined {
  if (usage === undefined) return undefined;
  let best: LinkedBy | undefined;
  for (const path of paths) {
    const one = usage.files.get(path);
    if (one !== undefined) best = stronger(best, one);
  }
  return usageBy(best);
}

const usageBy = (linkedBy: LinkedBy | undefined): PackageUsage =>
  linkedBy === undefined ? CONTAINED : { usage: 'linked', linkedBy };
