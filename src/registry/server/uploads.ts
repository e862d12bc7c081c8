import { Readable } from 'node:stream';
import { isHeraklitError, systemClock } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore, UploadState } from '../../storage/index.ts';
import { registryError } from '../errors.ts';
import type { RegistryLimits } from './limits.ts';
import { paced } from './paced.ts';

/** The store's uploads with the registry's limits and errors. They belong to the store: any process goes on with them. */
export interface Uploads {
  /** @throws REGISTRY_TOOMANYREQUESTS, DISK_FULL */
  start(repository: string): Promise<UploadState>;
  /** @throws REGISTRY_BLOB_UPLOAD_UNKNOWN */
  state(repository: string, id: string): Promise<UploadState>;
  /**
   * Adds bytes at the end. When the connection breaks, what came before stays and `state` says how much.
   * @throws REGISTRY_RANGE_INVALID where `from` is given and is not the end, REGISTRY_SIZE_INVALID
   */
  append(repository: string, id: string, content: Readable | undefined, from?: number): Promise<UploadState>;
  /** Adds the last bytes, checks the digest and makes a blob of it; the upload is over, also when the bytes are wrong. */
  finish(
    repository: string,
    id: string,
    content: Readable | undefined,
    digest: Digest,
    from?: number,
  ): Promise<{ digest: Digest; size: number }>;
  /** A blob in one request: no upload that a client could go on with. */
  whole(content: Readable | undefined, digest: Digest): Promise<{ digest: Digest; size: number }>;
  cancel(repository: string, id: string): Promise<void>;
  /** Drops what nobody touched for `limits.uploadExpiry`; returns how many. */
  expire(now?: number): Promise<number>;
}

export function createUploads({ uploads, write }: BlobStore, limits: RegistryLimits): Uploads {
  // Uploads begun and ended here since the last count of all processes' uploads: counting at each start would be slow.
  let open = 0;
  const counted = async <T>(end: Promise<T>): Promise<T> => {
    const result = await end;
    open = Math.max(0, open - 1);
    return result;
  };
  const body = (content: Readable | undefined) =>
    paced(chunksOf(content), { idle: limits.bodyIdle, bytes: limits.bodyBytes });
  const options = (from: number | undefined) => ({ limit: limits.blobBytes, ...(from === undefined ? {} : { from }) });

  return {
    async start(repository) {
      if (open >= limits.uploads) {
        throw registryError('REGISTRY_TOOMANYREQUESTS', `${open} uploads are under way; try again later`);
      }
      const started = await uploads.start(repository);
      open += 1;
      return started;
    },
    state: (repository, id) => uploads.state(repository, id).catch(asRegistryError),
    append: (repository, id, content, from) =>
      uploads.append(repository, id, body(content), options(from)).catch(asRegistryError),
    finish: (repository, id, content, digest, from) =>
      counted(uploads.finish(repository, id, body(content), digest, options(from))).catch(asRegistryError),
    whole: (content, digest) => write(limited(body(content), limits.blobBytes), { digest }).catch(asRegistryError),
    cancel: (repository, id) => counted(uploads.cancel(repository, id)).catch(asRegistryError),
    async expire(now = systemClock.now()) {
      const expired = await uploads.expire(now - limits.uploadExpiry);
      open = (await Array.fromAsync(uploads.list())).length;
      return expired;
    },
  };
}

/** Leaves the stream alone when the loop ends early: destroying a request takes its connection and our answer with it. */
export function chunksOf(content: Readable | undefined): AsyncIterable<Buffer> {
  return (content ?? Readable.from([])).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

async function* limited(content: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    yield chunk;
  }
}

const tooLarge = (limit: number): Error =>
  registryError('REGISTRY_SIZE_INVALID', `a blob may have at most ${limit} bytes here`);

/** What the store says about an upload, in the words of the distribution specification. */
function asRegistryError(error: unknown): never {
  if (!isHeraklitError(error)) throw error;
  const { message, details } = error;
  switch (error.code) {
    case 'STORAGE_UPLOAD_UNKNOWN':
      throw registryError('REGISTRY_BLOB_UPLOAD_UNKNOWN', message, { cause: error, details });
    case 'STORAGE_UPLOAD_BUSY':
      throw registryError('REGISTRY_BLOB_UPLOAD_INVALID', message, { cause: error, details });
    case 'STORAGE_UPLOAD_OFFSET':
      throw registryError('REGISTRY_RANGE_INVALID', message, { cause: error, details });
    case 'STORAGE_UPLOAD_TOO_LARGE':
      throw registryError('REGISTRY_SIZE_INVALID', message, { cause: error, details });
    case 'OCI_DIGEST_MISMATCH':
      throw registryError('REGISTRY_DIGEST_INVALID', message, { cause: error, details });
    default:
      throw error;
  }
}
