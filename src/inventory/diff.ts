import { diffTrees } from '../oci/index.ts';
import { type ConfigChange, diffConfig } from './diff-config.ts';
import { diffLanguage, type LanguageDiff } from './diff-language.ts';
import { diffPackages, type PackageDiff } from './diff-packages.ts';
import type { ImageContents } from './types.ts';

export interface DiffOptions {
  /** Paths per list; what lies beyond is counted in `totals` and `truncated` is set. */
  readonly maxPaths?: number;
}

export interface FileDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly totals: { readonly added: number; readonly removed: number; readonly changed: number };
  readonly truncated: boolean;
}

export interface ImageDiff {
  readonly packages: PackageDiff;
  readonly languagePackages: LanguageDiff;
  /** Undefined where one side is a root folder: its files are not indexed. */
  readonly files: FileDiff | undefined;
  readonly config: readonly ConfigChange[];
  /** Layers at the bottom that both share. */
  readonly sharedLayers: number;
  readonly identical: boolean;
}

export const DEFAULT_DIFF_PATHS = 1000;

/**
 * How two images differ. Files are compared exactly where both were inspected with `hashFiles`; else two files of the
 * same size and time count as equal.
 */
export function diffImages(before: ImageContents, after: ImageContents, options: DiffOptions = {}): ImageDiff {
  const packages = diffPackages(before, after);
  const languagePackages = diffLanguage(before.languagePackages, after.languagePackages);
  const bothIndexed = before.digest !== undefined && after.digest !== undefined;
  const files = bothIndexed ? diffFiles(before, after, options.maxPaths ?? DEFAULT_DIFF_PATHS) : undefined;
  const config = bothIndexed ? diffConfig(before.config, after.config) : [];
  const lists = [...Object.values(packages), ...Object.values(languagePackages), config];
  const total = files === undefined ? 0 : files.totals.added + files.totals.removed + files.totals.changed;
  return {
    packages,
    languagePackages,
    files,
    config,
    sharedLayers: sharedPrefix(before, after),
    identical: total === 0 && lists.every((list) => list.length === 0),
  };
}

function diffFiles(before: ImageContents, after: ImageContents, maxPaths: number): FileDiff {
  const all = diffTrees(before.tree, after.tree);
  const totals = { added: all.added.length, removed: all.removed.length, changed: all.changed.length };
  return {
    added: all.added.slice(0, maxPaths),
    removed: all.removed.slice(0, maxPaths),
    changed: all.changed.slice(0, maxPaths),
    totals,
    truncated: Math.max(totals.added, totals.removed, totals.changed) > maxPaths,
  };
}

function sharedPrefix(before: ImageContents, after: ImageContents): number {
  const differs = before.layers.findIndex((layer, at) => layer.diffId !== after.layers[at]?.diffId);
  return differs < 0 ? Math.min(before.layers.length, after.layers.length) : differs;
}
