import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { asCodedError } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/index.ts';
import { appendToFile } from './append-file.ts';
import type { BlobUploads, UploadContent, UploadOptions, Written } from './blob-uploads.ts';
import { endsUpload, uploadOffset, uploadTooLarge } from './upload-errors.ts';
import {
  type ClaimedUpload,
  claimUpload,
  createUploadFile,
  expireUploadFiles,
  listUploadFiles,
  uploadFileState,
} from './upload-files.ts';
import { digestMismatch } from './verify-stream.ts';

/** Bytes read at once where an upload's bytes must be hashed again. */
const READ_SIZE = 1024 * 1024;

/** sha256 of the first `size` bytes of an upload, all of which went through this process. */
interface Seen {
  readonly hash: Hash;
  size: number;
}

/**
 * Uploads as files in a layout's folder.
 * @param adopt makes a file the blob it is, synced, visible and durable when it resolves
 */
export function createFileUploads(
  directory: string,
  adopt: (handle: FileHandle, path: string, written: Written) => Promise<Written>,
): BlobUploads {
  const seen = new Map<string, Seen>();

  /** Runs `work` on the open file, alone. Gives the upload back afterwards, or drops it when nothing can come of it. */
  const exclusively = async <T>(
    owner: string,
    id: string,
    work: (handle: FileHandle, claim: ClaimedUpload) => Promise<{ result: T; over: boolean }>,
  ): Promise<T> => {
    let claim: ClaimedUpload | undefined;
    let handle: FileHandle | undefined;
    let over = false;
    try {
      claim = await claimUpload(directory, owner, id);
      handle = await open(claim.path, 'r+');
      const done = await work(handle, claim);
      over = done.over;
      return done.result;
    } catch (error) {
      over = endsUpload(error);
      if (over && claim !== undefined) await rm(claim.path, { force: true });
      throw asCodedError(error);
    } finally {
      await handle?.close();
      if (over) seen.delete(id);
      else await claim?.release();
    }
  };
  const add = async (
    handle: FileHandle,
    id: string,
    content: UploadContent | undefined,
    { from, limit = Number.POSITIVE_INFINITY }: UploadOptions,
  ): Promise<number> => {
    const { size } = await handle.stat();
    if (from !== undefined && from !== size) throw uploadOffset(size, from);
    if (content === undefined) return size;
    const known = size === 0 ? { hash: createHash('sha256'), size } : seen.get(id);
    const follows = known?.size === size ? known : undefined;
    // Until the whole of it is written the state is of no use: a failed write leaves hash and file apart.
    seen.delete(id);
    const admit = (wanted: number): void => {
      if (wanted > limit) throw uploadTooLarge(limit);
    };
    const end = await appendToFile(handle, content, { position: size, hash: follows?.hash, admit });
    if (follows !== undefined) seen.set(id, { hash: follows.hash, size: end });
    return end;
  };

  return {
    async start(owner) {
      try {
        return await createUploadFile(directory, owner);
      } catch (error) {
        throw asCodedError(error);
      }
    },
    state: (owner, id) => uploadFileState(directory, owner, id),
    append: (owner, id, content, options = {}) =>
      exclusively(owner, id, async (handle) => {
        const size = await add(handle, id, content, options);
        return { result: { id, size, touched: Date.now() }, over: false };
      }),
    finish: (owner, id, content, digest, options = {}) =>
      exclusively(owner, id, async (handle, claim) => {
        const size = await add(handle, id, content, options);
        const state = seen.get(id);
        const found =
          state?.size === size && digestAlgorithm(digest) === 'sha256'
            ? state.hash.copy().digest('hex')
            : await hashOf(handle, digest);
        if (found !== digestHex(digest)) throw digestMismatch(digest, found);
        // Its last bytes may have come long ago; for collection its life as a blob begins now.
        await handle.utimes(Date.now() / 1_000, Date.now() / 1_000);
        return { result: await adopt(handle, claim.path, { digest, size }), over: true };
      }),
    cancel: (owner, id) =>
      exclusively(owner, id, async (_handle, claim) => {
        await rm(claim.path, { force: true });
        return { result: undefined, over: true };
      }),
    async *list() {
      for await (const { id, size, touched } of listUploadFiles(directory)) yield { id, size, touched };
    },
    async expire(before) {
      try {
        const expired = await expireUploadFiles(directory, before);
        const left = new Set((await Array.fromAsync(listUploadFiles(directory))).map(({ id }) => id));
        for (const id of seen.keys()) if (!left.has(id)) seen.delete(id);
        return expired;
      } catch (error) {
        throw asCodedError(error);
      }
    },
  };
}

async function hashOf(handle: FileHandle, digest: Digest): Promise<string> {
  const hash = createHash(digestAlgorithm(digest));
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: READ_SIZE });
  for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
