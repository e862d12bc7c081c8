/** A piece of an id map: `count` ids from `inside` on are those from `outside` on (user_namespaces(7)). */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Ids an image can be expected to use; more are mapped when there are more. */
export const IDS_OF_AN_IMAGE = 65_536;

/** The kernel's own limit is 340 lines of a map. */
const MAX_RANGES = 300;

/**
 * What subuid(5) and subgid(5) give a user, who is named there by name or by number. Bad lines are passed over, as the
 * programs that read these files do.
 */
export function subordinateIds(text: string, user: { readonly name: string; readonly id: number }): readonly IdRange[] {
  const ranges: IdRange[] = [];
  let inside = 1;
  for (const line of text.split('\n')) {
    const match = /^([^:#]+):(\d{1,10}):(\d{1,10})$/.exec(line.trim());
    if (match === null || (match[1] !== user.name && match[1] !== String(user.id))) continue;
    const [outside, count] = [Number(match[2]), Number(match[3])];
    if (count === 0 || ranges.length === MAX_RANGES) continue;
    ranges.push({ inside, outside, count });
    inside += count;
  }
  return ranges;
}

/** As newuidmap(1) and newgidmap(1) take it: the user is root inside, the subordinate ids follow. */
export function idMap(own: number, ranges: readonly IdRange[]): readonly string[] {
  return [{ inside: 0, outside: own, count: 1 }, ...ranges].flatMap(({ inside, outside, count }) => [
    String(inside),
    String(outside),
    String(count),
  ]);
}

/** How many ids a map (`/proc/PID/uid_map`) covers, and whether it is the machine's own. */
export function readIdMap(text: string): { readonly count: number; readonly isMachine: boolean } {
  const ranges = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((fields) => fields.length === 3);
  const count = ranges.reduce((sum, [, , length = 0]) => sum + length, 0);
  const isMachine = ranges.length === 1 && ranges[0]?.[0] === 0 && ranges[0][1] === 0 && count === 4_294_967_295;
  return { count, isMachine };
}
