import { type Clock, type HeraklitError, isHeraklitError, redact, retry } from '../../base/index.ts';
import { feedError } from '../errors.ts';
import { everyMirrorFailed, type Failover } from '../failover.ts';
import { openTransfer, type Transfer } from '../transfer.ts';
import { type CachedState, readCachedState, writeCachedState } from './state-cache.ts';

/** Arch's extra.db has 9 MB, Alpine's community 2 MB. */
const MAX_STATE_BYTES = 256 * 1024 * 1024;
const MAX_SIGNATURE_BYTES = 64 * 1024;
/**
 * Milliseconds for which a state newer than what a mirror has now is held on to. Without a date of its own a state is as
 * old as its newest package: one that was withdrawn must not hold the rest back for ever.
 */
const HOLD = 7 * 24 * 3_600_000;

export interface StateContext {
  /** Cache folder. */
  readonly cache: string;
  readonly clock: Clock;
  readonly failover: Failover;
  readonly offline: boolean;
  /** Milliseconds for which a state counts as current without asking the mirror. */
  readonly maxAge: number;
  readonly attempts: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StateRequest<T extends { readonly date: number }> {
  /** Of the snapshot: `alpine/3.22/main/x86_64`. */
  readonly id: string;
  /** Where the index may lie: URL → mirror, best first. */
  readonly urls: ReadonlyMap<string, string>;
  /** False where whatever comes is taken. */
  readonly verified: boolean;
  /** A signature lies beside it, named so: `.sig`. */
  readonly signature: string | undefined;
  /** Verifies and reads what came from a URL. @throws what is wrong with it */
  open(bytes: Buffer, signature: Buffer | undefined, url: string): Promise<T>;
}

interface Opened<T> {
  readonly state: CachedState;
  readonly content: T;
}

async function readAll(transfer: Extract<Transfer, { kind: 'content' }>, url: string, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of transfer.chunks) {
    size += chunk.byteLength;
    if (size > limit) throw feedError('FEED_HASH_MISMATCH', `${redact(url)} is over ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function fetchSignature(url: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  try {
    const transfer = await openTransfer(url, { signal });
    return transfer.kind === 'content' ? await readAll(transfer, url, MAX_SIGNATURE_BYTES) : undefined;
  } catch (error) {
    // Whoever reads the state decides what it means that there is none.
    if (isHeraklitError(error, 'FEED_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function fetchFrom<T extends { readonly date: number }>(
  url: string,
  known: CachedState | undefined,
  request: StateRequest<T>,
  { clock, signal }: StateContext,
): Promise<Opened<T>> {
  const { etag, lastModified } = known?.url === url ? known : {};
  const checked = clock.now();
  const transfer = await openTransfer(url, { signal, etag, lastModified });
  if (transfer.kind === 'unchanged') {
    if (known === undefined) throw feedError('FEED_UNREACHABLE', `${redact(url)}: unexpected HTTP 304`);
    const content = await request.open(known.bytes, known.signature, url);
    return { state: { ...known, checked }, content };
  }
  const bytes = await readAll(transfer, url, MAX_STATE_BYTES);
  const signature = request.signature === undefined ? undefined : await fetchSignature(url + request.signature, signal);
  const content = await request.open(bytes, signature, url);
  const answer = { url, etag: transfer.etag, lastModified: transfer.lastModified, checked };
  const { verified } = request;
  return { state: { ...answer, date: content.date, bytes, signature, verified }, content };
}

/** The first mirror that answers well. */
async function fetchFirst<T extends { readonly date: number }>(
  known: CachedState | undefined,
  request: StateRequest<T>,
  context: StateContext,
): Promise<Opened<T>> {
  const failures: HeraklitError[] = [];
  const bases = [...new Set(request.urls.values())];
  for (const base of context.failover.order(bases)) {
    for (const [url] of [...request.urls].filter(([, mirror]) => mirror === base)) {
      try {
        return await fetchFrom(url, known, request, context);
      } catch (error) {
        if (!isHeraklitError(error)) throw error;
        if (error.code !== 'FEED_NOT_FOUND') context.failover.failed(bases, base, error);
        failures.push(error);
      }
    }
  }
  // An index has one of two names: that the other one is not there says nothing.
  const real = failures.filter((error) => error.code !== 'FEED_NOT_FOUND');
  const told = real.length > 0 ? real : failures;
  if (told[0] !== undefined) throw everyMirrorFailed(told[0], told);
  throw feedError('FEED_NO_MIRROR', `no mirror for ${request.id}`);
}

/**
 * The current state of a repository whose index is one file. A mirror that lags behind, or replays, does not take
 * packages away again that were seen within a week.
 *
 * @throws FEED_UNREACHABLE, FEED_NOT_FOUND, FEED_OFFLINE, and what `open` throws
 */
export async function fetchState<T extends { readonly date: number }>(
  request: StateRequest<T>,
  context: StateContext,
): Promise<T> {
  const found = await readCachedState(context.cache, request.id);
  // Another mirror's state may be another one on purpose.
  const known = found !== undefined && (context.offline || request.urls.has(found.url)) ? found : undefined;
  const age = known === undefined ? Number.POSITIVE_INFINITY : context.clock.now() - known.checked;
  const remembered = async (): Promise<T | undefined> => {
    if (known === undefined) return undefined;
    try {
      return await request.open(known.bytes, known.signature, known.url);
    } catch (error) {
      // Its keys may be others today; a mirror is asked. Without one that is what there is to say.
      if (context.offline || !isHeraklitError(error)) throw error;
      return undefined;
    }
  };
  if (context.offline || (age >= 0 && age < context.maxAge)) {
    const content = await remembered();
    if (content !== undefined) return content;
  }
  if (context.offline) {
    throw feedError('FEED_OFFLINE', `${request.id} is not in the cache and the network was ruled out`, {
      hint: 'Run once without --offline.',
    });
  }
  const { state, content } = await retry(() => fetchFirst(known, request, context), {
    attempts: context.attempts,
    delay: 300,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  if (known !== undefined && known.date > content.date && age < HOLD) {
    const newer = await remembered();
    if (newer !== undefined) return newer;
  }
  await writeCachedState(context.cache, request.id, state);
  return content;
}
