import type { FileMerge } from './three-sides.ts';

/** Three-way merge of records by name: the new base's order, then what the child added. */
function mergeKeyed(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, string>,
): readonly string[] | { readonly key: string } {
  const merged: string[] = [];
  for (const key of new Set([...after.keys(), ...own.keys()])) {
    const [old, theirs, ours] = [before.get(key), after.get(key), own.get(key)];
    const weChanged = ours !== old;
    if (weChanged && theirs !== old && ours !== theirs) return { key };
    const record = weChanged ? ours : theirs;
    if (record !== undefined) merged.push(record);
  }
  return merged;
}

const asMerge = (
  merged: readonly string[] | { readonly key: string },
  join: (records: readonly string[]) => string,
): FileMerge => ('key' in merged ? { kind: 'conflict', key: merged.key } : { kind: 'merged', content: join(merged) });

/** Paragraphs known by their first line, or by package and architecture: apt's extended states, debconf's databases. */
export function mergeParagraphs(old: string, now: string, own: string): FileMerge {
  const read = (text: string): ReadonlyMap<string, string> =>
    new Map(
      text
        .split(/\n\n+/)
        .map((paragraph) => paragraph.trim())
        .filter((paragraph) => paragraph !== '')
        .map((paragraph) => {
          const [name = '', second = ''] = paragraph.split('\n');
          return [second.startsWith('Architecture:') ? `${name} ${second}` : name, paragraph];
        }),
    );
  const merged = mergeKeyed(read(old), read(now), read(own));
  return asMerge(merged, (records) => records.map((record) => `${record}\n\n`).join(''));
}

/** dpkg's diversions: three lines each, path, diverted path, package (dpkg-divert(1)). */
export function mergeDiversions(old: string, now: string, own: string): FileMerge {
  const read = (text: string): ReadonlyMap<string, string> => {
    const lines = text.split('\n');
    const records = new Map<string, string>();
    for (let at = 0; at + 2 < lines.length; at += 3)
      records.set(lines[at] as string, lines.slice(at, at + 3).join('\n'));
    return records;
  };
  return asMerge(mergeKeyed(read(old), read(now), read(own)), (records) => records.map((one) => `${one}\n`).join(''));
}
