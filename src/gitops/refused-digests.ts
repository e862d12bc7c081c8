import { type Branch, historyOf, readFileAt } from './branch.ts';
import { findPlaces } from './places.ts';

/** In the message of every commit of ours. */
export const TRAILER = 'Heraklit-Digest';

/** Commits of a file that are looked back. */
const LOOK_BACK = 100;

/**
 * Digests that we wrote to a place and that somebody else then took away: by a revert, or by hand. Told from the history of
 * the branch, so that every heraklit, and one that lost its home, knows the same. A pull request that was squashed keeps its
 * message, and so counts as ours.
 * @returns digest → commit that took it away
 */
export async function refusedDigests(
  branch: Branch,
  tip: string,
  path: string,
  place: string,
): Promise<ReadonlyMap<string, string>> {
  const written = new Set<string>();
  // Also on the side of merges, where the commits of pull requests are.
  for (const { message } of await historyOf(branch, tip, path, LOOK_BACK * 2, 'all')) {
    for (const digest of trailersOf(message)) written.add(digest);
  }
  const refused = new Map<string, string>();
  if (written.size === 0) return refused;
  const seen = new Set<string>();
  let before: string | undefined;
  for (const { commit, message } of (await historyOf(branch, tip, path, LOOK_BACK, 'main line')).toReversed()) {
    const text = await readFileAt(branch, commit, path);
    const digest = text === undefined ? undefined : findPlaces(text).find(({ name }) => name === place)?.image.digest;
    if (digest === before) continue;
    // A digest of ours that stands there for the first time came by us, in a commit or in a merge of one.
    const forward = digest !== undefined && written.has(digest) && !seen.has(digest);
    const own = forward || (digest !== undefined && trailersOf(message).includes(digest));
    if (before !== undefined && written.has(before) && !own) refused.set(before, commit);
    // Put there again by whom it may be: no longer refused.
    if (digest !== undefined) {
      refused.delete(digest);
      seen.add(digest);
    }
    before = digest;
  }
  return refused;
}

/** Digests that a commit of ours wrote. A revert that quotes one wrote none. */
function trailersOf(message: string): readonly string[] {
  if (/^Revert "|^This reverts commit /m.test(message)) return [];
  return [...message.matchAll(new RegExp(`^${TRAILER}: (sha256:[0-9a-f]{64})$`, 'gm'))].map(
    ([, digest = '']) => digest,
  );
}
