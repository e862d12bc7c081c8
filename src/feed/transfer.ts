import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isHeraklitError, messageOf, redact } from '../base/index.ts';
import { feedError } from './errors.ts';
import { placeOfHost } from './internal-host.ts';

/** Milliseconds without a byte after which a mirror counts as dead. */
export const STALL_TIMEOUT = 30_000;

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** First byte wanted; the answer says whether the mirror could do that. */
  readonly from?: number;
  /** Conditional request: what the last answer said. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly stallTimeout?: number | undefined;
}

export type Transfer =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'content';
      /** Byte the content starts at: `from`, or 0. */
      readonly start: number;
      readonly etag: string | undefined;
      readonly lastModified: string | undefined;
      readonly chunks: AsyncIterable<Uint8Array>;
    };

const unreachable = (url: string, error: unknown): Error =>
  feedError('FEED_UNREACHABLE', `${redact(url)} does not answer: ${redact(reason(error))}`, {
    cause: error,
    hint: 'Check the network, or name another mirror with --mirror or HERAKLIT_MIRROR_DEBIAN.',
  });

/** fetch hides the interesting part (ECONNREFUSED, ENOTFOUND, certificate) in the cause. */
const reason = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? messageOf(error.cause) || error.message : messageOf(error);

const notFound = (url: string, why: string): Error =>
  feedError('FEED_NOT_FOUND', `${redact(url)} is not there (${why})`, {
    hint: 'The mirror may not carry this suite, or lag behind; name another mirror.',
  });

/** Aborts when no byte came for a while; `alive` starts the time anew. */
function watchdog(timeout: number): { signal: AbortSignal; alive(): void; stop(): void } {
  const controller = new AbortController();
  const expire = (): void => controller.abort(new Error(`no data for ${timeout / 1000} s`));
  let timer = setTimeout(expire, timeout);
  return {
    signal: controller.signal,
    alive: () => {
      clearTimeout(timer);
      timer = setTimeout(expire, timeout);
    },
    stop: () => clearTimeout(timer),
  };
}

function requestHeaders(url: URL, options: TransferOptions): Headers {
  const headers = new Headers({ 'accept-encoding': 'identity', 'user-agent': 'heraklit' });
  if (options.from !== undefined && options.from > 0) headers.set('range', `bytes=${options.from}-`);
  if (options.etag !== undefined) headers.set('if-none-match', options.etag);
  if (options.lastModified !== undefined) headers.set('if-modified-since', options.lastModified);
  if (url.username !== '') {
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
    url.username = '';
    url.password = '';
  }
  return headers;
}

const MAX_REDIRECTS = 5;

/** Follows redirects itself: credentials go to no other origin, and nobody is sent from outside to this machine or its network. */
async function follow(start: URL, headers: Headers, signal: AbortSignal): Promise<Response> {
  let url = start;
  for (let hops = 0; ; hops += 1) {
    const response = await fetch(url, { headers, signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (location === null || ![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    if (hops === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw new Error(`redirected to ${next.protocol}`);
    if (placeOfHost(url) === 'outside' && placeOfHost(next) !== 'outside') {
      throw new Error(`redirected to ${next.host}, which is not for a public mirror to name`);
    }
    if (next.origin !== url.origin) headers.delete('authorization');
    url = next;
  }
}

async function overHttp(text: string, options: TransferOptions): Promise<Transfer> {
  const url = new URL(text);
  const headers = requestHeaders(url, options);
  const dog = watchdog(options.stallTimeout ?? STALL_TIMEOUT);
  const signal = options.signal === undefined ? dog.signal : AbortSignal.any([options.signal, dog.signal]);
  const fail = (error: unknown): unknown => {
    dog.stop();
    if (options.signal?.aborted === true) return options.signal.reason;
    return isHeraklitError(error) ? error : unreachable(text, error);
  };
  try {
    const response = await follow(url, headers, signal);
    dog.alive();
    if (response.status === 304) {
      dog.stop();
      return { kind: 'unchanged' };
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const status = `HTTP ${response.status}`;
      throw response.status === 404 || response.status === 410 || response.status === 416
        ? notFound(text, status)
        : new Error(status);
    }
    const body = response.body;
    const chunks = async function* (): AsyncGenerator<Uint8Array, void> {
      try {
        for await (const chunk of body) {
          dog.alive();
          yield chunk as Uint8Array;
        }
      } catch (error) {
        throw fail(error);
      } finally {
        dog.stop();
      }
    };
    return {
      kind: 'content',
      start: response.status === 206 ? (options.from ?? 0) : 0,
      etag: response.headers.get('etag') ?? undefined,
      lastModified: response.headers.get('last-modified') ?? undefined,
      chunks: chunks(),
    };
  } catch (error) {
    throw fail(error);
  }
}

function fromFile(url: string, options: TransferOptions): Transfer {
  const start = options.from ?? 0;
  const chunks = async function* (): AsyncGenerator<Uint8Array, void> {
    try {
      yield* createReadStream(fileURLToPath(url), { start }) as AsyncIterable<Uint8Array>;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR'
        ? notFound(url, code)
        : unreachable(url, error);
    }
  };
  return { kind: 'content', start, etag: undefined, lastModified: undefined, chunks: chunks() };
}

/**
 * Opens a file of a mirror.
 * @throws FEED_UNREACHABLE (also while reading), FEED_NOT_FOUND, the signal's reason
 */
export async function openTransfer(url: string, options: TransferOptions = {}): Promise<Transfer> {
  options.signal?.throwIfAborted();
  return url.startsWith('file:') ? fromFile(url, options) : overHttp(url, options);
}

/** A path below a base URL; every segment escaped, so that a name cannot leave its folder or add a query. */
export function mirrorUrl(base: string, path: string): string {
  const escaped = path
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%2B', '+').replaceAll('%3A', ':'));
  return `${base}/${escaped.join('/')}`;
}
