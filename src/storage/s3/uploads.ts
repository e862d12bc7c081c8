import { createHash, type Hash, randomUUID } from 'node:crypto';
import { systemClock } from '../../base/index.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../oci/index.ts';
import type { BlobUploads, UploadContent, UploadOptions, UploadState, Written } from '../blob-uploads.ts';
import { endsUpload, uploadOffset, uploadTooLarge } from '../upload-errors.ts';
import { digestMismatch } from '../verify-stream.ts';
import type { S3Connection } from './connection.ts';
import { expireUploads, listUploads } from './expire.ts';
import { abortMultipart, appendParts, completeMultipart } from './multipart.ts';
import { getObject, putObject } from './objects.ts';
import { PART_SIZE } from './options.ts';
import {
  type ClaimedUpload,
  claimUpload,
  listUpload,
  type Progress,
  readProgress,
  readSmall,
  uploadFolder,
} from './upload-state.ts';

interface Seen {
  readonly hash: Hash;
  readonly size: number;
}

/** What of the blob store the uploads use. */
export interface Publishing {
  /** Whether the blob is there, fresh for whoever counts on it. */
  present(written: Written): Promise<boolean>;
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  copy(from: string, written: Written): Promise<void>;
}

/** Uploads as objects beside the blobs, so that any process goes on with them. */
export function createS3Uploads(s3: S3Connection, publish: Publishing): BlobUploads {
  const seen = new Map<string, Seen>();
  const multipartIds = new Map<string, string>();

  const remove = async ({ folder, abandon }: ClaimedUpload): Promise<void> => {
    const uploadId = multipartIds.get(folder);
    if (uploadId !== undefined) await abortMultipart(s3, `${folder}data`, uploadId);
    const names = (await Array.fromAsync(s3.list(folder))).map(({ name }) => name);
    if (names.length > 0) await s3.delete(names);
    abandon();
    multipartIds.delete(folder);
    seen.delete(folder);
  };
  const exclusively = async <T>(
    owner: string,
    id: string,
    work: (claim: ClaimedUpload, progress: Progress) => Promise<{ result: T; over: boolean }>,
  ): Promise<T> => {
    const claim = await claimUpload(s3, owner, id);
    let over = false;
    try {
      const done = await work(claim, await readProgress(s3, claim.folder, claim.objects, multipartIds));
      over = done.over;
      return done.result;
    } catch (error) {
      over = endsUpload(error);
      throw error;
    } finally {
      await (over ? remove(claim) : claim.release());
    }
  };
  /** Bytes that are in no part yet; what breaks `content` off is thrown once they are kept. */
  const add = async (
    { folder }: ClaimedUpload,
    progress: Progress,
    content: UploadContent | undefined,
    { from, limit = Number.POSITIVE_INFINITY }: UploadOptions,
    keep: boolean,
  ): Promise<{ readonly tail: Buffer; readonly size: number; readonly hash: Hash | undefined }> => {
    const { upload, size } = progress;
    if (from !== undefined && from !== size) throw uploadOffset(size, from);
    const before = progress.tail === undefined ? Buffer.alloc(0) : await readSmall(s3, progress.tail.name, PART_SIZE);
    const known = size === 0 ? { hash: createHash('sha256'), size } : seen.get(folder);
    const hash = known?.size === size ? known.hash : undefined;
    if (progress.completed && content !== undefined) await refuseMore(content, size);
    if (progress.completed || content === undefined) return { tail: before, size, hash };
    seen.delete(folder);
    const { tail, failure } = await appendParts(s3, upload, content, {
      tail: before,
      hash,
      admit: (wanted) => {
        if (wanted > limit) throw uploadTooLarge(limit);
      },
      begun: async (uploadId) => {
        multipartIds.set(folder, uploadId);
        await putObject(s3, `${folder}multipart`, Buffer.from(uploadId));
      },
    });
    if (endsUpload(failure)) throw failure;
    const offset = upload.parts.reduce((sum, part) => sum + part.size, 0);
    if (keep || failure !== undefined) {
      const name = `${folder}tail-${offset}`;
      if (tail.length > 0) await putObject(s3, name, tail);
      if (progress.tail !== undefined && progress.tail.name !== name) await s3.delete([progress.tail.name]);
    }
    const end = offset + tail.length;
    if (hash !== undefined) seen.set(folder, { hash, size: end });
    if (failure !== undefined) throw failure;
    return { tail, size: end, hash };
  };
  /** All bytes are there: parts become one object, or few bytes a blob at once, if they are what the digest says. */
  const publishAll = async (
    { folder }: ClaimedUpload,
    { upload, completed }: Progress,
    added: { readonly tail: Buffer; readonly size: number; readonly hash: Hash | undefined },
    digest: Digest,
  ): Promise<Written> => {
    const written = { digest, size: added.size };
    const hash = digestAlgorithm(digest) === 'sha256' ? added.hash?.copy() : undefined;
    if (!completed && upload.uploadId === undefined) {
      check(digest, createHash(digestAlgorithm(digest)).update(added.tail));
      if (!(await publish.present(written))) await publish.put(digest, added.tail);
      return written;
    }
    if (hash !== undefined) check(digest, hash);
    if (!completed) {
      await completeMultipart(s3, upload, added.tail);
      multipartIds.delete(folder);
    }
    if (hash === undefined) check(digest, await hashObject(s3, upload.name, digest));
    if (!(await publish.present(written))) await publish.copy(upload.name, written);
    return written;
  };

  return {
    async start(owner) {
      const id = randomUUID();
      await putObject(s3, `${uploadFolder(owner, id)}begun`, new Uint8Array());
      return { id, size: 0, touched: systemClock.now() };
    },
    async state(owner, id): Promise<UploadState> {
      const folder = uploadFolder(owner, id);
      const objects = await listUpload(s3, folder, id);
      const { size } = await readProgress(s3, folder, objects, multipartIds);
      return { id, size, touched: Math.max(...objects.map(({ modified }) => modified)) };
    },
    append: (owner, id, content, options = {}) =>
      exclusively(owner, id, async (claim, progress) => {
        const { size } = await add(claim, progress, content, options, true);
        return { result: { id, size, touched: systemClock.now() }, over: false };
      }),
    finish: (owner, id, content, digest, options = {}) =>
      exclusively(owner, id, async (claim, progress) => {
        const added = await add(claim, progress, content, options, false);
        return { result: await publishAll(claim, progress, added, digest), over: true };
      }),
    cancel: (owner, id) => exclusively(owner, id, async () => ({ result: undefined, over: true })),
    list: () => listUploads(s3),
    async expire(before) {
      const { expired, left } = await expireUploads(s3, before);
      for (const folder of [...seen.keys(), ...multipartIds.keys()]) {
        if (left.has(folder)) continue;
        seen.delete(folder);
        multipartIds.delete(folder);
      }
      return expired;
    },
  };
}

/** The parts were made one object by a `finish` that failed later: no byte can follow. */
async function refuseMore(content: UploadContent, size: number): Promise<void> {
  for await (const { length } of content) if (length > 0) throw uploadOffset(size, size);
}

function check(digest: Digest, hash: Hash): void {
  const found = hash.digest('hex');
  if (found !== digestHex(digest)) throw digestMismatch(digest, found);
}

async function hashObject(s3: S3Connection, name: string, digest: Digest): Promise<Hash> {
  const hash = createHash(digestAlgorithm(digest));
  const object = await getObject(s3, name);
  for await (const chunk of object?.content ?? []) hash.update(chunk);
  return hash;
}
