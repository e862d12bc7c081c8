import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestOf } from '../oci/index.ts';
import type { BlobUploads, UploadContent, UploadOptions, UploadState, Written } from './blob-uploads.ts';
import { endsUpload, uploadBusy, uploadOffset, uploadTooLarge, uploadUnknown } from './upload-errors.ts';
import { digestMismatch } from './verify-stream.ts';

/** Bytes of an upload that stays in memory; configurations and manifests' small layers are far below. */
export const SMALL_UPLOAD = 256 * 1024;
/** Bytes of all of them together. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Uploads begun and not gone on with. */
const MOST = 2_000;
/** Milliseconds that `suspend` gives a request to end whose connection is closed. */
const ENDING = 5_000;

interface Held {
  readonly id: string;
  readonly owner: string;
  readonly chunks: Uint8Array[];
  size: number;
  touched: number;
  /** Settles when the request that writes to it has ended; undefined where none does. */
  busy: Promise<void> | undefined;
}

export interface MemoryUploadsOptions {
  /** Where uploads go that outgrow memory, or must outlive the process. */
  readonly files: BlobUploads;
  /** Begins one of those under the id that a client knows already. */
  readonly startFile: (owner: string, id: string) => Promise<UploadState>;
  /** Makes a blob of bytes whose digest is known: whole, synced and visible when it resolves. */
  readonly put: (bytes: Uint8Array, digest: Digest) => Promise<Written>;
}

/**
 * Uploads of a process that alone takes them: small ones stay in memory until they are finished, and become a blob
 * with one write. What outgrows memory goes on in a file, as do all when `suspend` is called. A process that is killed
 * loses those in memory, and their clients begin anew: nobody was told that they are stored.
 */
export function createMemoryUploads({ files, startFile, put }: MemoryUploadsOptions): BlobUploads {
  const held = new Map<string, Held>();
  let bytes = 0;
  let suspended = false;

  const drop = (one: Held): void => {
    if (!held.delete(one.id)) return;
    bytes -= one.size;
  };
  /** Undefined where it is none of these, but perhaps a file. */
  const find = (owner: string, id: string): Held | undefined => {
    const one = held.get(id);
    if (one !== undefined && one.owner !== owner) throw uploadUnknown(id);
    return one;
  };
  const stateOf = ({ id, size, touched }: Held): UploadState => ({ id, size, touched });

  /** Runs `work` alone. Drops the upload when nothing can come of it. */
  const exclusively = async <T>(one: Held, work: () => Promise<T>): Promise<T> => {
    if (one.busy !== undefined) throw uploadBusy(one.id);
    const ended = Promise.withResolvers<void>();
    one.busy = ended.promise;
    try {
      return await work();
    } catch (error) {
      if (endsUpload(error)) drop(one);
      throw error;
    } finally {
      one.busy = undefined;
      ended.resolve();
    }
  };
  const moveToFile = async (one: Held): Promise<void> => {
    await startFile(one.owner, one.id);
    try {
      await files.append(one.owner, one.id, contentOf(one.chunks));
    } catch (error) {
      await files.cancel(one.owner, one.id).catch(() => undefined);
      throw error;
    }
    drop(one);
  };
  /** A request whose connection was just closed has not noticed yet: what it took stays, as after any broken one. */
  const suspendOne = async (one: Held): Promise<void> => {
    const ending = new AbortController();
    const { signal } = ending;
    if (one.busy !== undefined) await Promise.race([one.busy, sleep(ENDING, undefined, { signal }).catch(() => {})]);
    ending.abort();
    if (held.has(one.id)) await moveToFile(one);
  };
  /** Takes content until it ends or is too much; then what is left of it. */
  const take = async (
    one: Held,
    content: UploadContent | undefined,
    { from, limit = Number.POSITIVE_INFINITY }: UploadOptions,
  ): Promise<UploadContent | undefined> => {
    if (from !== undefined && from !== one.size) throw uploadOffset(one.size, from);
    one.touched = systemClock.now();
    if (content === undefined) return undefined;
    const source = content[Symbol.asyncIterator]();
    for (;;) {
      const next = await source.next();
      if (next.done === true) return undefined;
      const chunk = next.value;
      if (one.size + chunk.length > limit) {
        await source.return?.();
        throw uploadTooLarge(limit);
      }
      if (one.size + chunk.length > SMALL_UPLOAD || bytes + chunk.length > MOST_BYTES) return goingOn(chunk, source);
      // A copy: the piece shares its memory with what else came on the connection.
      one.chunks.push(Uint8Array.from(chunk));
      one.size += chunk.length;
      bytes += chunk.length;
      one.touched = systemClock.now();
    }
  };

  return {
    async start(owner) {
      if (suspended || held.size >= MOST || bytes >= MOST_BYTES) return files.start(owner);
      const one: Held = { id: randomUUID(), owner, chunks: [], size: 0, touched: systemClock.now(), busy: undefined };
      held.set(one.id, one);
      return stateOf(one);
    },
    async state(owner, id) {
      const one = find(owner, id);
      return one === undefined ? files.state(owner, id) : stateOf(one);
    },
    async append(owner, id, content, options = {}) {
      const one = find(owner, id);
      if (one === undefined) return files.append(owner, id, content, options);
      return exclusively(one, async () => {
        const rest = await take(one, content, options);
        if (rest === undefined) return stateOf(one);
        await moveToFile(one);
        const { limit } = options;
        return files.append(owner, id, rest, limit === undefined ? {} : { limit });
      });
    },
    async finish(owner, id, content, digest, options = {}) {
      const one = find(owner, id);
      if (one === undefined) return files.finish(owner, id, content, digest, options);
      return exclusively(one, async () => {
        const rest = await take(one, content, options);
        if (rest !== undefined || digestAlgorithm(digest) !== 'sha256') {
          await moveToFile(one);
          const { limit } = options;
          return files.finish(owner, id, rest, digest, limit === undefined ? {} : { limit });
        }
        const whole = one.chunks.length === 1 ? (one.chunks[0] as Uint8Array) : Buffer.concat(one.chunks);
        const found = digestOf(whole);
        if (found !== digest) throw digestMismatch(digest, found);
        const written = await put(whole, digest);
        drop(one);
        return written;
      });
    },
    async cancel(owner, id) {
      const one = find(owner, id);
      if (one === undefined) return files.cancel(owner, id);
      await exclusively(one, async () => drop(one));
    },
    async *list() {
      for (const one of [...held.values()]) yield stateOf(one);
      yield* files.list();
    },
    async expire(before) {
      const old = [...held.values()].filter(({ touched, busy }) => touched < before && busy === undefined);
      for (const one of old) drop(one);
      return old.length + (await files.expire(before));
    },
    async suspend() {
      suspended = true;
      const moved = await Promise.allSettled([...held.values()].map(suspendOne));
      for (const one of moved) if (one.status === 'rejected') throw one.reason;
    },
  };
}

async function* contentOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* goingOn(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
  } finally {
    await source.return?.();
  }
}
