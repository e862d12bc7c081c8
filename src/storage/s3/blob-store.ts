import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { asCodedError, systemClock } from '../../base/index.ts';
import { type Digest, digestOf, isDigest } from '../../oci/index.ts';
import { blobMissing } from '../blob-files.ts';
import type { BlobStore, StoredBlob } from '../blob-store.ts';
import type { UploadContent, Written } from '../blob-uploads.ts';
import { storageError } from '../errors.ts';
import { RENEW_AFTER } from '../rely.ts';
import { prepareScratch, scratchPath } from '../scratch-files.ts';
import { lengthMismatch, verifying } from '../verify-stream.ts';
import { blobName, deleteOldBlobs, renewBlob, statBlob } from './collect.ts';
import { connectS3 } from './connection.ts';
import { copyObject, putObject } from './objects.ts';
import { REDIRECT_SECONDS, type S3Options } from './options.ts';
import { openObject } from './read.ts';
import { createS3Uploads } from './uploads.ts';
import { type Expected, writeBlob } from './write.ts';

const PARALLEL_PUTS = 8;
const BLOBS = 'blobs/';

/**
 * Opens a bucket (and prefix) of any S3 API as a blob store: keys as in an OCI layout, `blobs/sha256/<hex>`. An object
 * of S3 appears as a whole, so a blob is put once its bytes are known to be right, or copied there from an upload.
 *
 * @throws STORAGE_S3_DENIED, STORAGE_S3_BUCKET, STORAGE_S3_UNAVAILABLE, DISK_FULL, SYSTEM_ERROR
 */
export async function openS3Store(options: S3Options): Promise<BlobStore> {
  const { renewAfter = RENEW_AFTER } = options;
  const s3 = connectS3(options);
  try {
    await mkdir(options.scratch, { recursive: true });
    await prepareScratch(options.scratch, systemClock.now());
  } catch (error) {
    throw asCodedError(error);
  }
  // One look says whether bucket, credentials and network are right, before anything depends on them.
  for await (const _first of s3.list('oci-layout')) break;

  const renew = async (digest: Digest): Promise<boolean> => {
    const found = await statBlob(s3, digest);
    return found !== undefined && (await renewBlob(s3, digest, found.size));
  };
  const present = async ({ digest, size }: Written): Promise<boolean> => {
    const found = await statBlob(s3, digest);
    if (found?.size !== size) return false;
    return found.modified >= systemClock.now() - renewAfter || (await renewBlob(s3, digest, size));
  };
  const putBytes = async (bytes: Uint8Array): Promise<Written> => {
    const written = { digest: digestOf(bytes), size: bytes.length };
    if (!(await present(written))) await putObject(s3, blobName(written.digest), bytes);
    return written;
  };
  const write = (content: UploadContent, expected?: Expected): Promise<Written> =>
    writeBlob(s3, content, expected, present);

  return {
    has: async (digest) => (await statBlob(s3, digest)) !== undefined,
    size: async (digest) => (await statBlob(s3, digest))?.size,
    stat: (digest) => statBlob(s3, digest),
    async open(digest, range) {
      if (range !== undefined && (range.start < 0 || range.start > range.end)) throw outside(digest, range);
      const found = await openObject(s3, blobName(digest), range);
      if (found === 'missing') throw blobMissing(digest, s3.where);
      if (found === 'outside') throw outside(digest, range ?? { start: 0, end: 0 });
      const content = Readable.from(found.content, { objectMode: false, highWaterMark: 256 * 1024 });
      return range === undefined ? verifying(content, digest, found.size) : content;
    },
    async read(digest, limit) {
      const found = await openObject(s3, blobName(digest), undefined);
      if (found === 'missing' || found === 'outside') throw blobMissing(digest, s3.where);
      if (found.size > limit) {
        await found.content.return(undefined);
        throw storageError(
          'BLOB_TOO_LARGE',
          `blob ${digest} has ${found.size} bytes, more than the ${limit} accepted here`,
        );
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of verifying(Readable.from(found.content), digest, found.size)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    put: putBytes,
    putMany: async (blobs) => {
      const results: Written[] = [];
      for (let from = 0; from < blobs.length; from += PARALLEL_PUTS) {
        results.push(...(await Promise.all(blobs.slice(from, from + PARALLEL_PUTS).map(putBytes))));
      }
      return results;
    },
    write,
    async scratch() {
      const path = await scratchPath(options.scratch);
      const discard = (): Promise<void> => rm(path, { force: true });
      return {
        path,
        discard,
        async commit(known) {
          try {
            const { size } = await stat(path);
            if (known !== undefined && known.size !== size) {
              throw lengthMismatch(known.digest, known.size, String(size));
            }
            if (known !== undefined && (await present(known))) return known;
            return await write(createReadStream(path, { highWaterMark: 1024 * 1024 }), known);
          } catch (error) {
            throw asCodedError(error);
          } finally {
            await discard();
          }
        },
      };
    },
    async delete(digest) {
      if ((await statBlob(s3, digest)) === undefined) return false;
      await s3.delete([blobName(digest)]);
      return true;
    },
    renewAfter,
    renew,
    deleteOld: (digests, before) => deleteOldBlobs(s3, digests, before),
    async *list() {
      for await (const { name, size, modified } of s3.list(BLOBS)) {
        const digest = name.slice(BLOBS.length).replace('/', ':');
        if (isDigest(digest)) yield { digest, size, modified } satisfies StoredBlob & { modified: number };
      }
    },
    localPath: () => undefined,
    uploads: createS3Uploads(s3, {
      present,
      put: (digest, bytes) => putObject(s3, blobName(digest), bytes),
      async copy(from, { digest, size }) {
        await copyObject(s3, from, blobName(digest), size);
      },
    }),
    ...(options.redirects === false
      ? {}
      : {
          redirect: (digest: Digest) =>
            getSignedUrl(s3.client, new GetObjectCommand(s3.at(blobName(digest))), { expiresIn: REDIRECT_SECONDS }),
        }),
  };
}

function outside(digest: Digest, { start, end }: { start: number; end: number }): Error {
  return storageError('BLOB_RANGE_INVALID', `bytes ${start}-${end} lie outside ${digest}`);
}
