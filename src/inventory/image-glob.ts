/**
 * Image references by glob: `*` any run of characters (slashes too: references have no folders a reader thinks in),
 * `?` one character, everything else itself. Anchored at both ends.
 */
export function globMatches(glob: string, text: string): boolean {
  // Two pointers with one backtrack point: linear × pattern at worst, never exponential.
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < text.length) {
    const wanted = glob[at];
    if (wanted === '*') {
      star = at;
      resume = index;
      at += 1;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}

/** The same glob as an SQL LIKE pattern with `\` as escape character. */
export function globToLike(glob: string): string {
  return glob
    .replace(/[\\%_]/g, '\\$&')
    .replace(/\*+/g, '%')
    .replace(/\?/g, '_');
}
