import { accessError } from '../errors.ts';

/** Longest pattern; repository names end at 255 too. */
const MAX_PATTERN = 255;
/** What a component may hold: the characters of repository names (OCI distribution-spec) and `*`. */
const COMPONENT = /^(?=.*[a-z0-9*])[a-z0-9._*-]+$/;

/** A pattern of repository names, taken apart. */
export interface RepositoryPattern {
  readonly text: string;
  matches(repository: string): boolean;
}

/**
 * Reads a pattern: `*` stands for any characters within one part of the name, `**` as a whole part for any number of
 * parts. `team/**` is everything under `team`, at any depth, and not `team` itself; `**` is every repository.
 *
 * Matching takes time in the product of the two lengths at worst, whatever the pattern: both levels go back only to
 * the last wildcard.
 *
 * @throws ACCESS_PATTERN_INVALID
 */
export function repositoryPattern(text: string): RepositoryPattern {
  const parts = text.split('/');
  const wrong = text.length > MAX_PATTERN || parts.some((part) => !COMPONENT.test(part));
  if (wrong || /\*\*[^/]|[^/]\*\*/.test(text)) {
    throw accessError(
      'ACCESS_PATTERN_INVALID',
      `not a pattern of repositories: ${JSON.stringify(text.slice(0, 300))}`,
      {
        hint: 'Name repositories like team/app, team/*, team/** or **.',
      },
    );
  }
  // At the end `**` wants at least one part, so that `team/**` leaves `team` alone.
  const atLeastOne = parts.at(-1) === '**' && parts.length > 1;
  const wanted = atLeastOne ? [...parts.slice(0, -1), '*', '**'] : parts;
  return { text, matches: (repository) => matchParts(wanted, repository.split('/')) };
}

/** Both sequences from the left; on a mismatch the last `**` takes one part more. */
function matchParts(pattern: readonly string[], name: readonly string[]): boolean {
  return matchSequence(
    pattern,
    name,
    (part) => part === '**',
    (wanted, part) =>
      matchSequence(
        wanted,
        part,
        (character) => character === '*',
        (one, other) => one === other,
      ),
  );
}

interface Sequence<Item> {
  readonly length: number;
  readonly [index: number]: Item;
}

/** Wildcard match of two sequences, going back to the last wildcard only. */
function matchSequence<Item>(
  pattern: Sequence<Item>,
  text: Sequence<Item>,
  isWildcard: (item: Item) => boolean,
  same: (wanted: Item, found: Item) => boolean,
): boolean {
  let at = 0;
  let last: { readonly pattern: number; text: number } | undefined;
  let position = 0;
  while (position < text.length) {
    const wanted = pattern[at];
    if (wanted !== undefined && isWildcard(wanted)) {
      last = { pattern: at, text: position };
      at += 1;
    } else if (wanted !== undefined && same(wanted, text[position] as Item)) {
      at += 1;
      position += 1;
    } else if (last !== undefined) {
      last.text += 1;
      position = last.text;
      at = last.pattern + 1;
    } else return false;
  }
  while (at < pattern.length && isWildcard(pattern[at] as Item)) at += 1;
  return at === pattern.length;
}
