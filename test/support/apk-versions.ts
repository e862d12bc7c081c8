import { seededNumbers, type VersionPair, versionPairs } from './version-pairs.ts';

const FIRST = ['0', '1', '2', '10', '007', '1.2', '3.18', '20240101', '18446744073709551617'];
const NUMBERS = ['.0', '.1', '.9', '.10', '.01', '.010', '.00', '.2', '0', '7', '.18446744073709551616'];
const LETTERS = ['a', 'b', 'z'];
const SUFFIXES = ['_alpha', '_beta', '_pre', '_rc', '_cvs', '_svn', '_git', '_hg', '_p'];
const SUFFIX_NUMBERS = ['1', '2', '01', '20240101', '999999999999999999'];
const ENDS = ['-r0', '-r1', '-r10', '-r007', '~0', '~abc', '~abcd', '~abc-r1'];
const BROKEN = ['_foo', '_', '-', '-x', '.', '~', 'A', '+', 'ab', '_p_', '-r'];

/** Versions as Alpine writes them: parts in their order, each of the two differing in some of them. */
export function apkPairs(count: number): readonly VersionPair[] {
  const below = seededNumbers(2026);
  const pick = (from: readonly string[]): string => from[below(from.length)] as string;
  const maybe = (from: readonly string[], often: number): string => (below(often) === 0 ? pick(from) : '');
  const parts = (): readonly string[] => [
    pick(FIRST),
    maybe(NUMBERS, 2) + maybe(NUMBERS, 2) + maybe(NUMBERS, 4),
    maybe(LETTERS, 4),
    below(2) === 0 ? pick(SUFFIXES) + maybe(SUFFIX_NUMBERS, 2) + maybe(SUFFIXES, 4) : '',
    maybe(ENDS, 2),
  ];
  return Array.from({ length: count }, () => {
    const one = parts();
    const other = parts();
    // Mostly the same but for one or two parts: else the first number decides nearly always.
    const near = one.map((part, at) => (below(3) === 0 ? (other[at] as string) : part));
    return [one.join(''), (below(5) === 0 ? other : near).join('')];
  });
}

/** The same with parts that stand in the wrong place or are wrong: apk compares them all the same. */
export const brokenApkPairs = (count: number): readonly VersionPair[] =>
  versionPairs(count, 73, FIRST, [...NUMBERS, ...LETTERS, ...SUFFIXES, ...ENDS, ...BROKEN]);
