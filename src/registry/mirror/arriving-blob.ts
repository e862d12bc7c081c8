import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { asCodedError } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { registryError } from '../errors.ts';

const READ_CHUNK = 256 * 1024;

/** A blob on its way from upstream into the store, readable while it comes by any number of clients. */
export interface ArrivingBlob {
  readonly digest: Digest;
  /** Bytes, as upstream says. */
  readonly size: number;
  /**
   * From the first byte. The last byte is held back until all of them verified: a client of a blob that is not what
   * its digest says gets a broken connection, never a whole answer.
   */
  stream(): Readable;
  /** Resolves when the blob is in the store; rejects when it does not get there. */
  readonly stored: Promise<void>;
}

/**
 * Begins to copy `content`, which verifies itself, into the store.
 * @param then runs when the blob is in the store, before readers get its end
 */
export async function receiveBlob(
  store: BlobStore,
  blob: { readonly digest: Digest; readonly size: number },
  content: Readable,
  then: () => Promise<void>,
): Promise<ArrivingBlob> {
  const { digest, size } = blob;
  const scratch = await store.scratch();
  const handle = await open(scratch.path, 'wx', 0o644).catch((error: unknown) => {
    content.destroy();
    throw asCodedError(error);
  });
  /** Bytes that readers may have. */
  let ready = 0;
  let failure: unknown;
  let waiting = Promise.withResolvers<void>();
  const tell = (): void => {
    waiting.resolve();
    waiting = Promise.withResolvers<void>();
  };

  const copy = async (): Promise<void> => {
    let written = 0;
    try {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        if (written + chunk.length > size) {
          throw registryError('REGISTRY_ANSWER_INVALID', `upstream sends more than the ${size} bytes of ${digest}`);
        }
        await writeAt(handle, chunk, written);
        written += chunk.length;
        ready = Math.min(written, size - 1);
        tell();
      }
      if (written !== size) {
        throw registryError('REGISTRY_ANSWER_INVALID', `upstream sends ${written} of the ${size} bytes of ${digest}`);
      }
      await handle.close();
      await scratch.commit({ digest, size });
      await then();
      ready = size;
    } catch (error) {
      content.destroy();
      await handle.close().catch(() => undefined);
      await scratch.discard();
      failure = asCodedError(error);
      throw failure;
    } finally {
      tell();
    }
  };

  /** Opened with the first read: a stream that is never read must not keep a file open. */
  async function* bytes(): AsyncGenerator<Buffer, void, undefined> {
    const file = await openAside(scratch.path);
    if (file === undefined) {
      // Renamed since: its bytes are the blob's.
      await stored;
      if (size > 0) yield* (await store.open(digest, { start: 0, end: size - 1 })) as AsyncIterable<Buffer>;
      return;
    }
    try {
      for (let at = 0; at < size; ) {
        while (at >= ready && failure === undefined) await waiting.promise;
        if (failure !== undefined && at >= ready) throw failure;
        const buffer = Buffer.allocUnsafe(Math.min(READ_CHUNK, ready - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) throw registryError('REGISTRY_BLOB_UNKNOWN', `${digest} went away while it was read`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  const stored = copy();
  // Who asked for the blob may have gone; the copy goes on for the next one, and its failure is theirs to hear.
  stored.catch(() => undefined);
  return {
    digest,
    size,
    stored,
    stream: () => Readable.from(bytes(), { objectMode: false }),
  };
}

async function openAside(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asCodedError(error);
  }
}

async function writeAt(handle: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await handle.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  }
}
