import { createHash } from 'node:crypto';
import { type Clock, type HeraklitError, isHeraklitError, redact, retry } from '../base/index.ts';
import {
  type Keyring,
  MAX_RELEASE_BYTES,
  type Release,
  rereadRelease,
  type VerifyReleaseOptions,
  verifyDetachedRelease,
  verifyRelease,
} from '../distro/index.ts';
import { feedError } from './errors.ts';
import { everyMirrorFailed, type Failover } from './failover.ts';
import type { Pocket } from './pockets.ts';
import { BUNDLE, type CachedRelease, readCachedRelease, writeCachedRelease } from './release-cache.ts';
import { recordRelease } from './release-history.ts';
import { isFlat, releaseId, releaseUrls } from './release-place.ts';
import { openTransfer, type Transfer } from './transfer.ts';

export interface ReleaseContext {
  /** Cache folder. */
  readonly cache: string;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly trusted: boolean;
  readonly offline: boolean;
  /** Milliseconds for which a state counts as current without asking the mirror. */
  readonly maxAge: number;
  readonly failover: Failover;
  readonly signal?: AbortSignal | undefined;
  readonly attempts?: number | undefined;
}

async function readAll(transfer: Extract<Transfer, { kind: 'content' }>, url: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of transfer.chunks) {
    size += chunk.byteLength;
    if (size > MAX_RELEASE_BYTES) throw feedError('FEED_HASH_MISMATCH', `${url} is over ${MAX_RELEASE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function optionsOf(url: string, pocket: Pocket, { clock, trusted }: ReleaseContext): VerifyReleaseOptions {
  const common = { now: clock.now(), trusted, what: redact(url) };
  // In one folder there is no suite to be mistaken for another.
  return isFlat(pocket) ? common : { ...common, suite: pocket.suite, suiteOptional: pocket.extra !== undefined };
}

/** A state seen earlier, when this keyring has verified it; its signature is not computed again. */
export function recall(cached: CachedRelease, pocket: Pocket, context: ReleaseContext): Release {
  const options = optionsOf(cached.url, pocket, context);
  // Who signed the bundle vouches for its state; a machine without network has no newer one, however old it gets.
  const isVouchedFor = context.offline && cached.url.startsWith(BUNDLE);
  return rereadRelease(cached, isVouchedFor ? { ...options, trusted: true } : options);
}

interface Fetched {
  readonly cached: CachedRelease;
  readonly release: Release;
}

async function fetchFrom(
  base: string,
  pocket: Pocket,
  known: CachedRelease | undefined,
  context: ReleaseContext,
): Promise<Fetched> {
  const [signed = '', plain] = releaseUrls(base, pocket);
  try {
    return await fetchUrl(signed, pocket, known, context);
  } catch (error) {
    if (plain === undefined || !isHeraklitError(error, 'FEED_NOT_FOUND')) throw error;
    return fetchUrl(plain, pocket, known, context);
  }
}

/** The bytes that the signature in a file beside them is of, where they bear none themselves. */
async function verifyFetched(
  bytes: Buffer,
  url: string,
  options: VerifyReleaseOptions,
  context: ReleaseContext,
): Promise<Release> {
  if (context.trusted || url.endsWith('/InRelease')) return verifyRelease(bytes, context.keyring, options);
  const transfer = await openTransfer(`${url}.gpg`, { signal: context.signal });
  if (transfer.kind === 'unchanged') throw feedError('FEED_UNREACHABLE', `${redact(url)}.gpg: unexpected HTTP 304`);
  const signature = await readAll(transfer, redact(url));
  return verifyDetachedRelease(bytes, signature, context.keyring, options);
}

async function fetchUrl(
  url: string,
  pocket: Pocket,
  known: CachedRelease | undefined,
  context: ReleaseContext,
): Promise<Fetched> {
  const { etag, lastModified } = known?.url === url ? known : {};
  const checked = context.clock.now();
  const transfer = await openTransfer(url, { signal: context.signal, etag, lastModified });
  if (transfer.kind === 'unchanged') {
    if (known === undefined) throw feedError('FEED_UNREACHABLE', `${redact(url)}: unexpected HTTP 304`);
    return { cached: { ...known, checked }, release: recall(known, pocket, context) };
  }
  const bytes = await readAll(transfer, redact(url));
  const digest = createHash('sha256').update(bytes).digest('hex');
  const options = optionsOf(url, pocket, context);
  const release =
    known?.digest === digest ? rereadRelease(known, options) : await verifyFetched(bytes, url, options, context);
  const { text, signedBy } = release;
  const keyring = context.trusted ? '' : context.keyring.id;
  const answer = { url, etag: transfer.etag, lastModified: transfer.lastModified, checked };
  return { cached: { ...answer, text, signedBy, digest, keyring }, release };
}

/** The first mirror that answers well. */
export async function fetchFirst(
  bases: readonly string[],
  pocket: Pocket,
  known: CachedRelease | undefined,
  context: ReleaseContext,
): Promise<Fetched> {
  const failures: HeraklitError[] = [];
  for (const base of context.failover.order(bases)) {
    try {
      return await fetchFrom(base, pocket, known, context);
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      context.failover.failed(bases, base, error);
      failures.push(error);
    }
  }
  if (failures[0] !== undefined) throw everyMirrorFailed(failures[0], failures);
  throw feedError('FEED_NO_MIRROR', `no mirror for ${pocket.distribution} ${pocket.pocket}`);
}

/** What we have, if it is from these mirrors, newer than what they sent now, and still good. */
function newerKnown(
  known: CachedRelease,
  fetched: Release,
  urls: readonly string[],
  pocket: Pocket,
  context: ReleaseContext,
): Release | undefined {
  // Another mirror may serve an older state on purpose: a snapshot.
  if (!urls.includes(known.url)) return undefined;
  try {
    const release = recall(known, pocket, context);
    return release.date > fetched.date ? release : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The current, verified Release file of a pocket. Never older than one seen before: a mirror that lags behind, or
 * replays, does not take fixes away again.
 *
 * @throws RELEASE_*, FEED_UNREACHABLE, FEED_NOT_FOUND, FEED_OFFLINE
 */
export async function fetchRelease(
  bases: readonly string[],
  pocket: Pocket,
  context: ReleaseContext,
): Promise<Release> {
  const id = releaseId(pocket);
  const found = await readCachedRelease(context.cache, id);
  // A verdict of another keyring, or none at all (trusted), is not taken over.
  const known = found?.keyring === (context.trusted ? '' : context.keyring.id) ? found : undefined;
  const urls = bases.flatMap((base) => releaseUrls(base, pocket));
  const age = known === undefined ? Number.POSITIVE_INFINITY : context.clock.now() - known.checked;
  // What another mirror said a moment ago may be older on purpose: an image that names its mirror judges itself alone.
  const isCurrent = age >= 0 && age < context.maxAge && known !== undefined && urls.includes(known.url);
  if (known !== undefined && (context.offline || isCurrent)) {
    return recall(known, pocket, context);
  }
  if (context.offline) {
    throw feedError('FEED_OFFLINE', `${id} is not in the cache and the network was ruled out`, {
      hint: 'Run once without --offline.',
    });
  }
  const { cached, release } = await retry(() => fetchFirst(bases, pocket, known, context), {
    attempts: context.attempts ?? 3,
    delay: 300,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const newer = known === undefined ? undefined : newerKnown(known, release, urls, pocket, context);
  if (newer !== undefined) return newer;
  if (found !== undefined && found.digest !== cached.digest) await recordRelease(context.cache, id, found);
  await writeCachedRelease(context.cache, id, cached);
  return release;
}
