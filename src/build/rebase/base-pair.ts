import type { InstalledPackage } from '../../distro/index.ts';
import type { PackageChange } from '../types.ts';
import type { PreparedBase } from './prepare-base.ts';
import type { BaseChange } from './report.ts';
import { baseChange, fileAt, nameOf, parentOf } from './tree.ts';

/** What lies between two bases, whichever the child: worked out once for a fleet. */
export interface BasePair {
  readonly oldBase: PreparedBase;
  readonly newBase: PreparedBase;
  readonly packages: readonly PackageChange[];
  /** What the new base has and the old one has not, folders left out below which all is new. */
  readonly added: ReadonlyMap<string, readonly string[]>;
  /** Every path that only the new base has. */
  readonly allAdded: readonly string[];
  /** SHA-256 → path in the old base, of files that the new base has no longer, or has changed. */
  readonly replaced: ReadonlyMap<string, string>;
  /** Every path that the bases do not have alike. */
  readonly changed: ReadonlyMap<string, BaseChange>;
  /** Paths of a base below a folder, from both bases. */
  below(folder: string): readonly string[];
}

const pairs = new WeakMap<PreparedBase, WeakMap<PreparedBase, BasePair>>();

export function basePair(oldBase: PreparedBase, newBase: PreparedBase): BasePair {
  const known = pairs.get(oldBase)?.get(newBase);
  if (known !== undefined) return known;
  const pair = makePair(oldBase, newBase);
  const ofOld = pairs.get(oldBase) ?? new WeakMap<PreparedBase, BasePair>();
  pairs.set(oldBase, ofOld);
  ofOld.set(newBase, pair);
  return pair;
}

function makePair(oldBase: PreparedBase, newBase: PreparedBase): BasePair {
  const changed = new Map<string, BaseChange>();
  const added = new Map<string, string[]>();
  const replaced = new Map<string, string>();
  const oldFolders = foldersOf(oldBase.tree.keys());
  for (const path of new Set([...oldBase.tree.keys(), ...newBase.tree.keys()])) {
    const change = baseChange(path, oldBase, newBase);
    if (change === undefined) continue;
    changed.set(path, change);
    if (change === 'added') {
      const parent = parentOf(path);
      if (oldFolders.has(parent)) added.set(parent, [...(added.get(parent) ?? []), nameOf(path)]);
      continue;
    }
    const before = fileAt(oldBase.tree.get(path));
    const isNew = before?.sha256 !== fileAt(newBase.tree.get(path))?.sha256;
    if (before?.type === 'file' && before.size > 0 && before.sha256 !== undefined && isNew) {
      replaced.set(before.sha256, path);
    }
  }
  let sorted: readonly string[] | undefined;
  return {
    oldBase,
    newBase,
    packages: packageChanges(oldBase.packages, newBase.packages),
    added,
    allAdded: [...changed].filter(([, change]) => change === 'added').map(([path]) => path),
    replaced,
    changed,
    below(folder) {
      sorted ??= [...new Set([...oldBase.tree.keys(), ...newBase.tree.keys()])].sort();
      const prefix = `${folder}/`;
      const start = firstAtLeast(sorted, prefix);
      let end = start;
      while (sorted[end]?.startsWith(prefix) === true) end += 1;
      return sorted.slice(start, end);
    },
  };
}

/** Folders with something in them, be they spelled out or not; the root is ''. */
function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set(['']);
  for (const path of paths) {
    for (let folder = parentOf(path); !folders.has(folder); folder = parentOf(folder)) folders.add(folder);
  }
  return folders;
}

function firstAtLeast(sorted: readonly string[], wanted: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function packageChanges(
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
): readonly PackageChange[] {
  const key = (pkg: { name: string; architecture: string }): string => `${pkg.name}:${pkg.architecture}`;
  const old = new Map(before.map((pkg) => [key(pkg), pkg]));
  const now = new Map(after.map((pkg) => [key(pkg), pkg]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((name) => old.get(name)?.version !== now.get(name)?.version)
    .map((name) => {
      const pkg = (now.get(name) ?? old.get(name)) as { name: string; architecture: string };
      return {
        package: pkg.name,
        architecture: pkg.architecture,
        from: old.get(name)?.version,
        to: now.get(name)?.version,
      };
    });
}
