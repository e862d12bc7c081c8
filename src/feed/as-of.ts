import { type HeraklitError, isHeraklitError } from '../base/index.ts';
import type { ArchiveKind, Release } from '../distro/index.ts';
import { feedError } from './errors.ts';
import { fetchFirst, type ReleaseContext, recall } from './fetch-release.ts';
import type { Pocket } from './pockets.ts';
import { type RecordedRelease, recordedReleases, recordRelease } from './release-history.ts';
import { releaseId } from './release-place.ts';

/** What is known of a time: the state's own date is before it, and a mirror called it current no earlier than this. */
const TOLERANCE = 48 * 3_600_000;
const DATES_SHOWN = 6;

/**
 * A snapshot mirror's folder of one archive at one time, as the Debian snapshot archive has them.
 * @param mirror base URL, or a template with `{archive}` (debian, debian-security) and `{timestamp}` (20260131T235959Z)
 * @param asOf seconds since the epoch
 */
export function snapshotUrl(
  mirror: string,
  { distribution, archive }: { readonly distribution: string; readonly archive: ArchiveKind },
  asOf: number,
): string {
  const [id = ''] = distribution.split('/');
  const timestamp = new Date(asOf * 1000).toISOString().replace(/[-:]/g, '').replace('.000Z', 'Z');
  const template = /\{(?:archive|timestamp)\}/.test(mirror)
    ? mirror
    : `${mirror.replace(/\/+$/, '')}/archive/{archive}/{timestamp}`;
  const tree = archive === 'security' ? `${id}-security` : id;
  return template.replaceAll('{archive}', tree).replaceAll('{timestamp}', timestamp).replace(/\/+$/, '');
}

/** The newest state that was current then. */
function stateAt(states: readonly RecordedRelease[], time: number): RecordedRelease | undefined {
  const state = states.findLast(({ from }) => from <= time);
  return state !== undefined && time <= state.until + TOLERANCE ? state : undefined;
}

export interface ReleaseAsOf {
  readonly release: Release;
  /** Folder of a snapshot mirror that it came from; undefined when this home had recorded it. */
  readonly base: string | undefined;
}

/**
 * A repository as it was: from what this home recorded, else from a snapshot mirror. Both are held against that time:
 * signed then, not stale then, and not newer.
 *
 * @param asOf seconds since the epoch
 * @param mirror of snapshots; undefined: none is known
 * @throws FEED_NO_SNAPSHOT, RELEASE_*, FEED_UNREACHABLE
 */
export async function releaseAsOf(
  pocket: Pocket,
  asOf: number,
  mirror: string | undefined,
  context: ReleaseContext,
): Promise<ReleaseAsOf> {
  const id = releaseId(pocket);
  const time = asOf * 1000;
  const then: ReleaseContext = { ...context, clock: { ...context.clock, now: () => time } };
  const keyring = context.trusted ? '' : context.keyring.id;
  const states = (await recordedReleases(context.cache, id)).filter(({ release }) => release.keyring === keyring);
  const state = stateAt(states, time);
  if (state !== undefined) return { release: recall(state.release, pocket, then), base: undefined };
  if (mirror === undefined || context.offline || pocket.extra !== undefined) {
    throw noSnapshot(
      id,
      asOf,
      states,
      mirror === undefined ? 'no snapshot mirror is named' : 'the network was ruled out',
    );
  }
  const base = snapshotUrl(mirror, pocket, asOf);
  try {
    const { cached, release } = await fetchFirst([base], pocket, undefined, then);
    // What the snapshot says was current at that time, and is recorded as such.
    await recordRelease(context.cache, id, { ...cached, checked: time });
    return { release, base };
  } catch (error) {
    if (!isHeraklitError(error, 'FEED_NOT_FOUND')) throw error;
    throw noSnapshot(id, asOf, states, 'the snapshot mirror has none', error);
  }
}

function noSnapshot(
  id: string,
  asOf: number,
  states: readonly RecordedRelease[],
  why: string,
  cause?: HeraklitError,
): Error {
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const known = states.slice(-DATES_SHOWN).map(({ from, until }) => `${day(from)} – ${day(until)}`);
  return feedError('FEED_NO_SNAPSHOT', `${id} as of ${new Date(asOf * 1000).toISOString()} is not known: ${why}`, {
    cause,
    hint:
      known.length === 0
        ? 'Name a snapshot mirror with --snapshot-mirror; this home has recorded no state of it yet.'
        : `Name a snapshot mirror with --snapshot-mirror, or a time that this home has recorded: ${known.join(', ')}.`,
    details: { recorded: states.map(({ from, until }) => ({ from, until })) },
  });
}
