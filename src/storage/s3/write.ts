import { createHash, randomUUID } from 'node:crypto';
import { type Digest, digestAlgorithm } from '../../oci/index.ts';
import type { UploadContent, Written } from '../blob-uploads.ts';
import { digestMismatch, lengthMismatch } from '../verify-stream.ts';
import { blobName } from './collect.ts';
import type { S3Connection } from './connection.ts';
import { abortMultipart, appendParts, completeMultipart, type Multipart } from './multipart.ts';
import { copyObject, putObject } from './objects.ts';

export interface Expected {
  readonly digest: Digest;
  readonly size?: number;
}

/**
 * Streams content into a blob while hashing it: straight to its name where that is known, as parts become an object
 * only when they are told to, which is after the hash is right.
 * @param present whether the blob is there already, fresh for whoever counts on it
 */
export async function writeBlob(
  s3: S3Connection,
  content: UploadContent,
  expected: Expected | undefined,
  present: (written: Written) => Promise<boolean>,
): Promise<Written> {
  const name = expected === undefined ? `incoming/${randomUUID()}` : blobName(expected.digest);
  const upload: Multipart = { name, uploadId: undefined, parts: [] };
  const algorithm = expected === undefined ? 'sha256' : digestAlgorithm(expected.digest);
  const hash = createHash(algorithm);
  let size = 0;
  const admit = (wanted: number): void => {
    size = wanted;
    if (expected?.size === undefined || wanted <= expected.size) return;
    throw lengthMismatch(expected.digest, expected.size, `more than ${expected.size}`);
  };
  try {
    const { tail, failure } = await appendParts(s3, upload, content, { tail: Buffer.alloc(0), hash, admit });
    if (failure !== undefined) throw failure;
    const written: Written = { digest: `${algorithm}:${hash.digest('hex')}`, size };
    check(written, expected);
    await appear(s3, upload, tail, written, present);
    return written;
  } catch (error) {
    if (upload.uploadId !== undefined) await abortMultipart(s3, name, upload.uploadId).catch(() => undefined);
    throw error;
  }
}

function check({ digest, size }: Written, expected: Expected | undefined): void {
  if (expected === undefined) return;
  if (expected.size !== undefined && size !== expected.size) {
    throw lengthMismatch(expected.digest, expected.size, String(size));
  }
  if (digest !== expected.digest) throw digestMismatch(expected.digest, digest);
}

async function appear(
  s3: S3Connection,
  upload: Multipart,
  tail: Buffer,
  written: Written,
  present: (written: Written) => Promise<boolean>,
): Promise<void> {
  const blob = blobName(written.digest);
  if (await present(written)) {
    if (upload.uploadId !== undefined) await abortMultipart(s3, upload.name, upload.uploadId);
    return;
  }
  if (upload.uploadId === undefined) return putObject(s3, blob, tail);
  await completeMultipart(s3, upload, tail);
  if (upload.name === blob) return;
  await copyObject(s3, upload.name, blob, written.size);
  await s3.delete([upload.name]);
}
