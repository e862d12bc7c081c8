import { type FileHandle, open, rm } from 'node:fs/promises';
import { asCodedError } from '../base/index.ts';
import { digestAlgorithm, digestHex } from '../oci/index.ts';
import { appendToFile } from './append-file.ts';
import type { BlobUploads, UploadContent, UploadOptions, Written } from './blob-uploads.ts';
import { hashHandle } from './hash-file.ts';
import { createFileHash, type FileHash } from './threaded-hash.ts';
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

/** sha256 of the first `size` bytes of an upload, all of which went through this process. */
interface Seen {
  readonly hash: FileHash;
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
  const forget = (id: string): void => {
    seen.get(id)?.hash.drop();
    seen.delete(id);
  };

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
      if (over) forget(id);
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
    const known = seen.get(id) ?? (size === 0 ? { hash: createFileHash('sha256'), size } : undefined);
    const follows = known?.size === size ? known : undefined;
    // Until the whole of it is written the state is of no use: a failed write leaves hash and file apart.
    seen.delete(id);
    const admit = (wanted: number): void => {
      if (wanted > limit) throw uploadTooLarge(limit);
    };
    if (follows === undefined) known?.hash.drop();
    try {
      const end = await appendToFile(handle, content, { position: size, hash: follows?.hash, admit });
      if (follows !== undefined) seen.set(id, { hash: follows.hash, size: end });
      return end;
    } catch (error) {
      follows?.hash.drop();
      throw error;
    }
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
        const known = state?.size === size && digestAlgorithm(digest) === 'sha256' ? state.hash : undefined;
        const found = (await known?.digest()) ?? (await hashHandle(handle, digestAlgorithm(digest)));
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
        for (const id of seen.keys()) if (!left.has(id)) forget(id);
        return expired;
      } catch (error) {
        throw asCodedError(error);
      }
    },
  };
}
