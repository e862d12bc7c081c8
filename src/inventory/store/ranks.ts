/** A version of one package with its place in the format's own order. */
export interface RankedVersion {
  readonly version: string;
  /** Rising; versions the format calls equal share a rank. */
  readonly rank: number;
}

export interface Placed {
  /** Ranks of the versions that came. */
  readonly added: ReadonlyMap<string, number>;
  /** New ranks of old versions, where there was no room left between two. */
  readonly moved: ReadonlyMap<string, number>;
}

/** Room left between neighbours: what arrives in any order moves nobody for a dozen halvings. */
const GAP = 4_096;
/** PostgreSQL's integer. */
const HIGHEST = 2_147_483_647;

/** Places new versions of one package among the old ones. */
export function placeVersions(
  old: readonly RankedVersion[],
  added: readonly string[],
  compare: (left: string, right: string) => number,
): Placed {
  const ranks = new Map(old.map(({ version, rank }) => [version, rank]));
  // One version for each rank, in order.
  const steps = [
    ...new Map(old.map(({ version, rank }): [number, Step] => [rank, { versions: [version], rank }])).values(),
  ];
  steps.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
  let isFull = false;
  for (const version of new Set(added)) {
    if (ranks.has(version)) continue;
    const at = lowerBound(steps, version, compare);
    const found = steps[at];
    if (found !== undefined && compare(found.versions[0], version) === 0) {
      found.versions.push(version);
      continue;
    }
    const rank = rankBetween(steps[at - 1], found);
    isFull ||= rank === undefined;
    steps.splice(at, 0, { versions: [version], rank });
  }
  const gap = Math.min(GAP, Math.floor(HIGHEST / (steps.length + 1)));
  const rankOf = (step: Step, at: number): number => (isFull ? (at + 1) * gap : (step.rank as number));
  // By old rank: spellings that share one move together.
  const moved = new Map(steps.flatMap((step, at) => (step.rank === undefined ? [] : [[step.rank, rankOf(step, at)]])));
  const placed = new Map(
    steps.flatMap((step, at) => step.versions.map((version): [string, number] => [version, rankOf(step, at)])),
  );
  return {
    added: new Map(
      [...new Set(added)].map((version) => [version, placed.get(version) ?? (ranks.get(version) as number)]),
    ),
    moved: new Map(
      old.flatMap(({ version, rank }) => {
        const now = moved.get(rank) ?? rank;
        return now === rank ? [] : [[version, now] as const];
      }),
    ),
  };
}

interface Step {
  readonly versions: [string, ...string[]];
  /** Undefined: there is no room; all are given new ranks. */
  readonly rank: number | undefined;
}

/** The first step that is not below the version. */
function lowerBound(steps: readonly Step[], version: string, compare: (left: string, right: string) => number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare((steps[middle] as Step).versions[0], version) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rankBetween(below: Step | undefined, above: Step | undefined): number | undefined {
  const [left, right] = [below?.rank, above?.rank];
  if ((below !== undefined && left === undefined) || (above !== undefined && right === undefined)) return undefined;
  if (left === undefined) return right === undefined ? GAP : right - GAP < -HIGHEST ? undefined : right - GAP;
  if (right === undefined) return left + GAP > HIGHEST ? undefined : left + GAP;
  return right - left > 1 ? left + Math.floor((right - left) / 2) : undefined;
}
