import { type Clock, isHeraklitError, redact, retry } from '../base/index.ts';
import { type Keyring, MAX_RELEASE_BYTES, type Release, rereadRelease, verifyRelease } from '../distro/index.ts';
import { feedError } from './errors.ts';
import type { Pocket } from './pockets.ts';
import { type CachedRelease, readCachedRelease, writeCachedRelease } from './release-cache.ts';
import { mirrorUrl, openTransfer, type Transfer } from './transfer.ts';

export interface ReleaseContext {
  /** Cache folder. */
  readonly cache: string;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly trusted: boolean;
  readonly offline: boolean;
  /** Milliseconds for which a state counts as current without asking the mirror. */
  readonly maxAge: number;
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

/** Verifies a Release file; a signature that this keyring has already verified is not computed again. */
async function judge(cached: CachedRelease, pocket: Pocket, context: ReleaseContext): Promise<Release> {
  const options = { now: context.clock.now(), suite: pocket.suite, trusted: context.trusted, what: redact(cached.url) };
  if (context.trusted) return verifyRelease(cached.bytes, context.keyring, options);
  return cached.keyring === context.keyring.id
    ? rereadRelease(cached.bytes, cached.signedBy, options)
    : verifyRelease(cached.bytes, context.keyring, options);
}

async function fetchFrom(
  base: string,
  pocket: Pocket,
  cached: CachedRelease | undefined,
  context: ReleaseContext,
): Promise<{ fetched: CachedRelease; release: Release }> {
  const url = mirrorUrl(base, `dists/${pocket.suite}/InRelease`);
  const { etag, lastModified } = cached?.url === url ? cached : {};
  const checked = context.clock.now();
  const transfer = await openTransfer(url, { signal: context.signal, etag, lastModified });
  if (transfer.kind === 'unchanged' && cached !== undefined) {
    const release = await judge(cached, pocket, context);
    return { fetched: { ...cached, checked }, release };
  }
  if (transfer.kind === 'unchanged') throw feedError('FEED_UNREACHABLE', `${url}: unexpected HTTP 304`);
  const bytes = await readAll(transfer, url);
  const received = { url, bytes, etag: transfer.etag, lastModified: transfer.lastModified, checked };
  if (cached?.bytes.equals(bytes) === true) {
    const release = await judge(cached, pocket, context);
    return { fetched: { ...cached, ...received }, release };
  }
  const release = await judge({ ...received, keyring: '', signedBy: [], digest: '' }, pocket, context);
  const keyring = context.trusted ? '' : context.keyring.id;
  const { digest, signedBy } = release;
  return { fetched: { ...received, keyring, signedBy, digest }, release };
}

/** The first mirror that answers well. */
async function fetchFirst(
  bases: readonly string[],
  pocket: Pocket,
  cached: CachedRelease | undefined,
  context: ReleaseContext,
): Promise<{ fetched: CachedRelease; release: Release }> {
  let first: unknown;
  for (const base of bases) {
    try {
      return await fetchFrom(base, pocket, cached, context);
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      first ??= error;
    }
  }
  throw first ?? feedError('FEED_NO_MIRROR', `no mirror for ${pocket.distribution} ${pocket.pocket}`);
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
  const id = `${pocket.distribution.split('/')[0]}/${pocket.suite}`;
  const cached = await readCachedRelease(context.cache, id);
  const age = cached === undefined ? Number.POSITIVE_INFINITY : context.clock.now() - cached.checked;
  if (cached !== undefined && (context.offline || (age >= 0 && age < context.maxAge))) {
    return judge(cached, pocket, context);
  }
  if (context.offline) {
    throw feedError('FEED_OFFLINE', `${id} is not in the cache and the network was ruled out`, {
      hint: 'Run once without --offline.',
    });
  }
  const attempts = context.attempts ?? 3;
  const { fetched, release } = await retry(() => fetchFirst(bases, pocket, cached, context), {
    attempts,
    delay: 300,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  if (cached !== undefined && fetched.digest !== cached.digest) {
    const known = await judge(cached, pocket, context).catch(() => undefined);
    if (known !== undefined && known.date > release.date) return known;
  }
  await writeCachedRelease(context.cache, id, fetched);
  return release;
}
