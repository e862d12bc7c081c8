export type GemParts = readonly (bigint | string)[];

/** Undefined for what RubyGems takes for no version. */
export function parseGem(version: string): GemParts | undefined {
  const text = version.trim().replaceAll('-', '.pre.');
  if (text.length > 512 || !/^[0-9]+(?:\.[0-9a-zA-Z]+)*$/.test(text)) return undefined;
  const parts = [...text.matchAll(/[0-9]+|[a-zA-Z]+/g)].map(([part]) => (/^\d/.test(part) ? BigInt(part) : part));
  // Zeros at the end, and those before the first word, say nothing.
  const word = parts.findIndex((part) => typeof part === 'string');
  const numbers = trimmed(word < 0 ? parts : parts.slice(0, word));
  return [...numbers, ...(word < 0 ? [] : trimmed(parts.slice(word)))];
}

function trimmed(parts: GemParts): GemParts {
  return parts.slice(0, parts.findLastIndex((part) => part !== 0n) + 1);
}

/** A word makes a pre-release, which comes before the number 0. @see Gem::Version#<=> */
export function compareGem(a: GemParts, b: GemParts): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [left, right] = [a[at] ?? 0n, b[at] ?? 0n];
    if (typeof left !== typeof right) return typeof left === 'string' ? -1 : 1;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
