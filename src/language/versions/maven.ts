/** A token with what separates it from the one before. */
interface MavenToken {
  readonly prefix: '.' | '-';
  readonly value: bigint | string;
}

export type MavenParts = readonly MavenToken[];

const QUALIFIERS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' };
const ALIASES: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc' };

const isNull = (value: bigint | string): boolean => value === 0n || value === '';

/**
 * Undefined for what does not begin with a digit: Maven takes any text, but its order of such ones has circles.
 * @see https://maven.apache.org/pom.html#version-order-specification
 */
export function parseMaven(version: string): MavenParts | undefined {
  if (!/^\d/.test(version)) return undefined;
  const tokens: MavenToken[] = [];
  const text = version.slice(0, 512).toLowerCase();
  let prefix: MavenToken['prefix'] = '-';
  let digits: boolean | undefined;
  for (const match of text.matchAll(/\d+|[.-]|[^\d.-]+/g)) {
    const part = match[0];
    if (part === '.' || part === '-') {
      // Nothing between two separators, or before the first, is a 0.
      if (digits === undefined) tokens.push({ prefix, value: 0n });
      prefix = part;
      digits = undefined;
      continue;
    }
    const isNumber = /^\d/.test(part);
    // From letters to digits and back goes like a dash.
    if (digits !== undefined && digits !== isNumber) prefix = '-';
    const follows = /^\d/.test(text.slice(match.index + part.length));
    const word = (follows ? SHORT[part] : undefined) ?? ALIASES[part] ?? part;
    tokens.push({ prefix, value: isNumber ? BigInt(part) : word });
    digits = isNumber;
  }
  return trimmed(tokens);
}

/** Null values at the end of the whole, and before each dash, are cut off. */
function trimmed(tokens: readonly MavenToken[]): MavenParts {
  const kept: MavenToken[] = [];
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const token = tokens[at] as MavenToken;
    const atEnd = kept.length === 0 || kept[0]?.prefix === '-';
    if (!(atEnd && isNull(token.value) && at > 0)) kept.unshift(token);
  }
  return kept;
}

export function compareMaven(a: MavenParts, b: MavenParts): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const left = a[at] ?? padding(b[at] as MavenToken);
    const right = b[at] ?? padding(a[at] as MavenToken);
    const order = compareTokens(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

const padding = ({ prefix, value }: MavenToken): MavenToken => ({
  prefix,
  value: typeof value === 'bigint' ? 0n : '',
});

/** `.word` = `-word` < `-number` < `.number` */
function compareTokens(a: MavenToken, b: MavenToken): number {
  const kind = (token: MavenToken): number => (typeof token.value === 'string' ? 0 : token.prefix === '-' ? 1 : 2);
  if (kind(a) !== kind(b)) return kind(a) - kind(b);
  if (typeof a.value === 'string' && typeof b.value === 'string') return compareWords(a.value, b.value);
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

function compareWords(a: string, b: string): number {
  const place = (word: string): number => {
    const at = QUALIFIERS.indexOf(word);
    return at < 0 ? QUALIFIERS.length : at;
  };
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}
