import {
  byLdconfig,
  type LoaderCache,
  type LoaderCacheEntry,
  readLoaderCache,
  writeLoaderCache,
} from './loader-cache.ts';
import type { FileMerge, ThreeSides } from './three-sides.ts';

const keyOf = ({ name, path, flags, hwcaps }: LoaderCacheEntry): string => [name, path, flags, hwcaps].join('\0');
const placesOf = (cache: LoaderCache): ReadonlyMap<string, number> =>
  new Map(cache.entries.map((entry, at) => [keyOf(entry), at]));

/**
 * ld.so.cache: what ldconfig would have found with the libraries of both sides. Its form is glibc's own; a cache that
 * does not come out bit for bit when it is written again is of a form that is not known, and refused.
 */
export function mergeLoaderCache(sides: ThreeSides): FileMerge {
  const unknown = (key: string): FileMerge => ({ kind: 'conflict', key });
  const [before, after, own] = [sides.old, sides.new, sides.own].map((bytes) => {
    const cache = readLoaderCache(bytes);
    return cache !== undefined && writeLoaderCache(cache).equals(bytes) ? cache : undefined;
  });
  if (before === undefined || after === undefined || own === undefined) return unknown('its form');
  const [known, theirs, ours] = [placesOf(before), placesOf(after), placesOf(own)];
  const merged = [
    ...after.entries.filter((entry) => ours.has(keyOf(entry)) || !known.has(keyOf(entry))),
    ...own.entries.filter((entry) => !known.has(keyOf(entry)) && !theirs.has(keyOf(entry))),
  ];
  const sorted: LoaderCacheEntry[] = [];
  for (const alike of groups(merged.sort(byLdconfig))) {
    // Of two files for one name the order of folders counts, which only a cache that has them all tells.
    const order = [ours, theirs].find((places) => alike.every((entry) => places.has(keyOf(entry))));
    if (alike.length > 1 && order === undefined) return unknown(alike[0]?.name ?? '');
    const place = (entry: LoaderCacheEntry): number => order?.get(keyOf(entry)) ?? 0;
    sorted.push(...alike.sort((a, b) => place(a) - place(b)));
  }
  return { kind: 'merged', content: writeLoaderCache({ ...after, entries: sorted }) };
}

/** Runs of entries that ldconfig holds for equal. */
function groups(sorted: readonly LoaderCacheEntry[]): readonly LoaderCacheEntry[][] {
  const runs: LoaderCacheEntry[][] = [];
  for (const entry of sorted) {
    const last = runs.at(-1);
    if (last?.[0] !== undefined && byLdconfig(last[0], entry) === 0) last.push(entry);
    else runs.push([entry]);
  }
  return runs;
}
