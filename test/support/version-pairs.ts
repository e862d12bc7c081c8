/** A pair of versions to be compared. */
export type VersionPair = readonly [string, string];

/**
 * Numbers that are the same on every machine and in every release of every library: recorded answers of a real tool
 * belong to exactly these pairs. (xorshift32)
 */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Pairs that often share a beginning, so that comparisons reach the hard places.
 * @param first what versions begin with
 * @param pieces what they go on with
 */
export function versionPairs(
  count: number,
  seed: number,
  first: readonly string[],
  pieces: readonly string[],
): readonly VersionPair[] {
  const below = seededNumbers(seed);
  const pick = (from: readonly string[]): string => from[below(from.length)] as string;
  const tail = (longest: number): string => Array.from({ length: below(longest + 1) }, () => pick(pieces)).join('');
  return Array.from({ length: count }, () => {
    const common = pick(first) + tail(3);
    return below(4) === 0 ? [common, pick(first) + tail(4)] : [common + tail(3), common + tail(3)];
  });
}

/** Half a million pairs fit into a few kilobytes: 3 answers a pair, packed by gzip. */
export function answersOf(orders: readonly number[]): string {
  return orders.map((order) => (order < 0 ? '<' : order > 0 ? '>' : '=')).join('');
}
