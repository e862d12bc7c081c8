import type { FileMerge } from './three-sides.ts';

/** Lines a settings file may have; one of Debian's largest, the certificates' bundle, has 4,000. */
const MAX_LINES = 20_000;
/** Of the old base's lines, how many must still be there for a file to count as edited, not written anew. */
const EDITED = 0.5;

/**
 * A settings file that the child edited and the new base changed, as the child's edit would have left the new base's
 * file. Only edits that can be told from the result are done again: lines added at the end or at the beginning, and
 * single lines replaced which the new base still has word for word and of which it brings no other like them. What
 * was taken out, or written anew, is refused: built again, it could come out otherwise.
 *
 * dpkg itself would keep the child's file (`--force-confold`) and lose the new base's settings, or ask.
 */
export function mergeText(old: string, now: string, own: string): FileMerge {
  if ([old, now, own].some((text) => text.includes('\0'))) return unknown('it is no text');
  const [before, after, mine] = [old, now, own].map((text) => text.split('\n'));
  if (before === undefined || after === undefined || mine === undefined) return unknown('it is empty');
  if (Math.max(before.length, after.length, mine.length) > MAX_LINES) return unknown('it has too many lines');
  if (old !== '' && own.startsWith(old) && old.endsWith('\n') && now.endsWith('\n')) {
    return { kind: 'merged', content: now + own.slice(old.length) };
  }
  if (old !== '' && own.endsWith(old)) return { kind: 'merged', content: own.slice(0, own.length - old.length) + now };
  return replaceLines(before, after, mine);
}

const unknown = (key: string): FileMerge => ({ kind: 'conflict', key });

/** `sed -i s/…/…/`: as many lines as before, some of them others. */
function replaceLines(before: readonly string[], after: readonly string[], own: readonly string[]): FileMerge {
  if (own.length !== before.length) return unknown('lines were taken out or put in between');
  const replaced = new Map<string, string>();
  for (const [at, line] of before.entries()) {
    const mine = own[at] as string;
    if (mine === line) {
      if (replaced.has(line)) return unknown(line);
      continue;
    }
    if (replaced.has(line) && replaced.get(line) !== mine) return unknown(line);
    replaced.set(line, mine);
  }
  const kept = before.filter((line, at) => own[at] === line && line.trim() !== '').length;
  if (kept < before.filter((line) => line.trim() !== '').length * EDITED) return unknown('it was written anew');
  const known = new Set(before);
  for (const [line, mine] of replaced) {
    if (!after.includes(line)) return unknown(line);
    const token = difference(line, mine);
    // The same words in a line that only the new base has: the child's command could have met it too.
    const alike = after.find((other) => !known.has(other) && (token === '' || other.includes(token)));
    if (alike !== undefined) return unknown(alike);
  }
  return { kind: 'merged', content: after.map((line) => replaced.get(line) ?? line).join('\n') };
}

/** A settings file that shares less than half of its lines with the old base's: nobody made it from that one. */
export function isWrittenAnew(path: string, old: Uint8Array | undefined, own: Uint8Array | undefined): boolean {
  if (!path.startsWith('etc/') || old === undefined || own === undefined) return false;
  const lines = (bytes: Uint8Array): readonly string[] =>
    Buffer.from(bytes)
      .toString('latin1')
      .split('\n')
      .filter((line) => line.trim() !== '');
  const known = new Set(lines(old));
  const mine = lines(own);
  return mine.filter((line) => known.has(line)).length < mine.length * EDITED;
}

/** The words of a line that were changed, whole ones; empty where something was only put in. */
function difference(line: string, mine: string): string {
  let start = 0;
  while (start < line.length && line[start] === mine[start]) start += 1;
  let end = 0;
  while (end < line.length - start && end < mine.length - start && line.at(-1 - end) === mine.at(-1 - end)) end += 1;
  return (
    line
      .slice(start, line.length - end)
      .trim()
      .split(/\s+/)[0] ?? ''
  );
}
