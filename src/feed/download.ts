import { createHash, type Hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HeraklitError, isHeraklitError, redact } from '../base/index.ts';
import { feedError } from './errors.ts';
import { everyMirrorFailed } from './failover.ts';
import { openTransfer } from './transfer.ts';

/** Where downloaded bytes go; `reset` forgets them when a mirror turns out to have sent something else. */
export interface DownloadSink {
  write(chunk: Uint8Array): void | Promise<void>;
  reset(): void | Promise<void>;
}

export type DownloadRequest = {
  /** The same file on several mirrors, best first. */
  readonly urls: readonly string[];
  /** Bytes. */
  readonly size: number;
} & (
  | { readonly sha256: string }
  | { readonly sha512: string }
  /** Where no index has a hash of the file (apk): says of all that was received whether it is the right one. */
  | { readonly isRight: () => Promise<boolean> }
);

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Rounds over all URLs. Default 3. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second round, doubling. Default 300. */
  readonly delay?: number | undefined;
  readonly stallTimeout?: number | undefined;
  /** Told of a URL that does not answer or sends something else, whether or not another one delivers. */
  readonly onFailure?: ((url: string, error: HeraklitError) => void) | undefined;
}

const mismatch = (url: string, what: string): Error =>
  feedError('FEED_HASH_MISMATCH', `${redact(url)} has ${what} than the signed index says`, {
    hint: 'The mirror is broken, in the middle of an update, or tampered with: try again or name another mirror.',
  });

/** Bytes received so far, with their hash: what makes a download resumable on another mirror. */
class Received {
  readonly #request: DownloadRequest;
  readonly #sink: DownloadSink;
  readonly #algorithm: 'sha256' | 'sha512';
  #hash: Hash;
  bytes = 0;

  constructor(request: DownloadRequest, sink: DownloadSink) {
    this.#algorithm = 'sha512' in request ? 'sha512' : 'sha256';
    this.#hash = createHash(this.#algorithm);
    this.#request = request;
    this.#sink = sink;
  }

  async reset(): Promise<void> {
    this.#hash = createHash(this.#algorithm);
    this.bytes = 0;
    await this.#sink.reset();
  }

  /** Reads on from where the last mirror broke off. */
  async readFrom(url: string, options: DownloadOptions): Promise<void> {
    const request = this.#request;
    const { size } = request;
    const transfer = await openTransfer(url, { ...options, from: this.bytes });
    if (transfer.kind === 'unchanged') throw feedError('FEED_UNREACHABLE', `${redact(url)}: unexpected HTTP 304`);
    if (transfer.start !== this.bytes) await this.reset();
    for await (const chunk of transfer.chunks) {
      this.bytes += chunk.byteLength;
      if (this.bytes > size) throw mismatch(url, 'more bytes');
      this.#hash.update(chunk);
      await this.#sink.write(chunk);
    }
    if (this.bytes < size) throw mismatch(url, 'fewer bytes');
    if (!(await this.#isRight())) throw mismatch(url, 'other bytes');
  }

  #isRight(): boolean | Promise<boolean> {
    const request = this.#request;
    if ('isRight' in request) return request.isRight();
    return this.#hash.digest('hex') === ('sha512' in request ? request.sha512 : request.sha256);
  }
}

/** A mirror that merely lacks the file says less than one that answered wrongly or not at all. */
const weightier = (known: HeraklitError | undefined, next: HeraklitError): HeraklitError =>
  known === undefined || known.code === 'FEED_NOT_FOUND' || next.code !== 'FEED_NOT_FOUND' ? next : known;

/** One round over all mirrors: undefined when one of them delivered, else what went wrong. */
async function tryMirrors(
  request: DownloadRequest,
  received: Received,
  options: DownloadOptions,
): Promise<HeraklitError | undefined> {
  let failure: HeraklitError | undefined;
  const failures: HeraklitError[] = [];
  for (const url of request.urls) {
    try {
      await received.readFrom(url, options);
      return undefined;
    } catch (error) {
      if (!isHeraklitError(error, 'FEED_HASH_MISMATCH', 'FEED_NOT_FOUND', 'FEED_UNREACHABLE')) throw error;
      if (error.code !== 'FEED_UNREACHABLE') await received.reset();
      if (error.code !== 'FEED_NOT_FOUND') options.onFailure?.(url, error);
      failures.push(error);
      failure = weightier(failure, error);
    }
  }
  if (failure === undefined) return feedError('FEED_NO_MIRROR', 'there is no mirror to download from');
  return everyMirrorFailed(failure, failures);
}

/**
 * Downloads one file into a sink, hashing while it streams. A transfer that breaks off is resumed, on the next mirror
 * too; wrong bytes are thrown away and the next mirror is asked.
 *
 * @throws FEED_HASH_MISMATCH, FEED_NOT_FOUND, FEED_UNREACHABLE: what the last mirror did; the signal's reason
 */
export async function download(
  request: DownloadRequest,
  sink: DownloadSink,
  options: DownloadOptions = {},
): Promise<void> {
  const { attempts = 3, delay = 300, signal } = options;
  const received = new Received(request, sink);
  for (let attempt = 1; ; attempt += 1) {
    const failure = await tryMirrors(request, received, options);
    if (failure === undefined) return;
    if (!failure.retryable || attempt >= attempts) throw failure;
    await sleep(delay * 2 ** (attempt - 1), undefined, signal === undefined ? {} : { signal });
  }
}

/** Into memory. `request.size` is what limits it: it comes from a signed file. */
export async function downloadBuffer(request: DownloadRequest, options: DownloadOptions = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const sink: DownloadSink = {
    write: (chunk) => {
      chunks.push(chunk);
    },
    reset: () => {
      chunks.length = 0;
    },
  };
  await download(request, sink, options);
  return Buffer.concat(chunks);
}
