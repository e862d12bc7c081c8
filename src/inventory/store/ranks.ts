/** A version of one package with its place in the format's own order. */
export interface RankedVersion {
  readonly version: string;
  /** From 1; versions the format calls equal share a rank. */
  readonly rank: number;
}

/**
 * Ranks of all versions of one package after new ones arrived. Newest-last arrivals, the usual case, leave every old
 * rank as it was.
 */
export function rankVersions(
  versions: readonly string[],
  compare: (left: string, right: string) => number,
): readonly RankedVersion[] {
  const sorted = [...new Set(versions)].sort((a, b) => compare(a, b) || (a < b ? -1 : 1));
  const ranked: RankedVersion[] = [];
  for (const version of sorted) {
    const below = ranked.at(-1);
    const rank = below === undefined ? 1 : compare(below.version, version) === 0 ? below.rank : below.rank + 1;
    ranked.push({ version, rank });
  }
  return ranked;
}
