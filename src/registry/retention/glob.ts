/**
 * Whether a name fits a pattern: `*` stands for any characters, also none and also `/`; `?` for one. In time linear in
 * both for one `*`, and never exponential.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let [at, from] = [0, 0];
  let star = -1;
  let resume = 0;
  while (from < name.length) {
    const want = pattern[at];
    if (want === '*') {
      star = at;
      resume = from;
      at += 1;
    } else if (want === '?' || want === name[from]) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      // The last star takes one character more; earlier ones need not, as any later match of theirs would do here too.
      resume += 1;
      from = resume;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
