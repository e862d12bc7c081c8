import { mergeAlternatives } from './merge-alternatives.ts';
import { mergeApkScripts } from './merge-apk.ts';
import { isLineList, mergeLines } from './merge-lines.ts';
import { mergeLoaderCache } from './merge-loader-cache.ts';
import { mergeDiversions, mergeParagraphs } from './merge-records.ts';
import { mergeText } from './merge-text.ts';
import type { FileMerge, ThreeSides } from './three-sides.ts';

type Merger = (path: string, sides: ThreeSides) => FileMerge;

const textual =
  (merge: (old: string, now: string, own: string, path: string) => FileMerge): Merger =>
  (path, sides) =>
    // One character a byte: names and comments in any encoding stay as they are.
    asBytes(merge(latin(sides.old), latin(sides.new), latin(sides.own), path));

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const asBytes = (merge: FileMerge): FileMerge =>
  merge.kind === 'merged' && typeof merge.content === 'string'
    ? { ...merge, content: Buffer.from(merge.content, 'latin1') }
    : merge;

function mergerOf(path: string): Merger | undefined {
  if (isLineList(path)) return textual((old, now, own) => mergeLines(path, old, now, own));
  if (path === 'var/lib/dpkg/diversions') return textual(mergeDiversions);
  if (/^var\/(?:lib\/apt\/extended_states|cache\/debconf\/(?:config|templates)\.dat)$/.test(path)) {
    return textual(mergeParagraphs);
  }
  if (/^var\/lib\/dpkg\/alternatives\/[^/]+$/.test(path)) return textual(mergeAlternatives);
  if (/^(?:usr\/)?lib\/apk\/db\/scripts\.tar(?:\.gz)?$/.test(path)) return (_, sides) => mergeApkScripts(sides);
  if (path === 'etc/ld.so.cache') return (_, sides) => mergeLoaderCache(sides);
  if (path.startsWith('etc/')) return textual(mergeText);
  return undefined;
}

/** Whether the form of a file is known well enough to be merged from three sides. */
export const isMergeable = (path: string): boolean => mergerOf(path) !== undefined;

export function mergeFile(path: string, sides: ThreeSides): FileMerge {
  return mergerOf(path)?.(path, sides) ?? { kind: 'conflict', key: 'its form' };
}
