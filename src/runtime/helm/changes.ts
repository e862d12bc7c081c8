/** A line of one of two texts, or of both. */
export interface DiffLine {
  readonly kind: 'same' | 'old' | 'new';
  readonly text: string;
}

/** Lines that are compared one with each; of longer differences all old ones come before all new ones. */
const MAX_CELLS = 4_000_000;

/** The least that makes one text of the other, line by line. */
function differing(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const [rows, columns] = [before.length, after.length];
  const all = (kind: 'old' | 'new', lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind, text }));
  if (rows * columns > MAX_CELLS) return [...all('old', before), ...all('new', after)];
  const width = columns + 1;
  const common = new Uint32Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i -= 1) {
    for (let j = columns - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j]
          ? (common[(i + 1) * width + j + 1] as number) + 1
          : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < rows && j < columns) {
    if (before[i] === after[j]) {
      lines.push({ kind: 'same', text: before[i] as string });
      i += 1;
      j += 1;
    } else if ((common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number)) {
      lines.push({ kind: 'old', text: before[i++] as string });
    } else lines.push({ kind: 'new', text: after[j++] as string });
  }
  return [...lines, ...all('old', before.slice(i)), ...all('new', after.slice(j))];
}

/** Old and new manifest, line by line. What is equal at both ends is not compared again and again. */
export function diffManifests(before: string, after: string): readonly DiffLine[] {
  const [old, now] = [before.trimEnd().split('\n'), after.trimEnd().split('\n')];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }));
  return [
    ...same(old.slice(0, start)),
    ...differing(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...same(old.slice(old.length - end)),
  ];
}

/** Only what changes, with some lines around it, as `diff -u` shows it. */
export function changedLines(lines: readonly DiffLine[], around = 3): readonly string[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let at = index - around; at <= index + around; at += 1) near.add(at);
  }
  const shown: string[] = [];
  let last = -1;
  for (const [index, { kind, text }] of lines.entries()) {
    if (!near.has(index)) continue;
    if (index !== last + 1) shown.push('@@');
    shown.push(`${kind === 'same' ? ' ' : kind === 'old' ? '-' : '+'}${text}`);
    last = index;
  }
  return shown;
}
