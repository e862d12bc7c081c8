import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { BlobFacts, ByteRange } from '../blob-store.ts';
import type { S3Connection } from './connection.ts';
import { orAbsent } from './failures.ts';

/** What CopyObject copies at most; more goes by parts of `COPY_PART`. */
const MAX_COPY = 5 * 1024 ** 3;
const COPY_PART = 1024 ** 3;
const BLOB_TYPE = 'application/octet-stream';

export async function putObject(s3: S3Connection, name: string, body: Uint8Array): Promise<void> {
  const command = new PutObjectCommand({ ...s3.at(name), ...s3.encryption, Body: body, ContentType: BLOB_TYPE });
  await s3.run(s3.client.send(command));
}

/** Undefined where there is none. */
export async function headObject(s3: S3Connection, name: string): Promise<BlobFacts | undefined> {
  const found = await s3.run(orAbsent(s3.client.send(new HeadObjectCommand(s3.at(name)))));
  if (found === undefined) return undefined;
  return { size: found.ContentLength ?? 0, modified: found.LastModified?.getTime() ?? 0 };
}

export interface ObjectBody {
  readonly content: AsyncIterable<Uint8Array>;
  /** Bytes of the whole object. */
  readonly size: number;
  /** Ends the request of a body that nobody reads on. */
  discard(): void;
}

/** Undefined where there is none. @throws STORAGE_S3_REFUSED for a range outside the object */
export async function getObject(s3: S3Connection, name: string, range?: ByteRange): Promise<ObjectBody | undefined> {
  const command = new GetObjectCommand({
    ...s3.at(name),
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
  });
  const found = await s3.run(orAbsent(s3.client.send(command)));
  if (found?.Body === undefined) return undefined;
  const body = found.Body as AsyncIterable<Uint8Array> & { destroy?(): void };
  const total = /\/(\d+)$/.exec(found.ContentRange ?? '')?.[1];
  return {
    content: body,
    size: total === undefined ? (found.ContentLength ?? 0) : Number(total),
    discard: () => body.destroy?.(),
  };
}

/** Copies inside the bucket, on the server. False where there is nothing to copy. */
export async function copyObject(s3: S3Connection, from: string, to: string, size: number): Promise<boolean> {
  const source = { CopySource: encodeURI(`${s3.bucket}/${s3.at(from).Key}`) };
  if (size > MAX_COPY) return copyParts(s3, source, to, size);
  const command = new CopyObjectCommand({
    ...s3.at(to),
    ...s3.encryption,
    ...source,
    ContentType: BLOB_TYPE,
    // Without it copying an object onto itself, which is how it becomes young again, is refused.
    MetadataDirective: 'REPLACE',
  });
  return (await s3.run(orAbsent(s3.client.send(command)))) !== undefined;
}

async function copyParts(s3: S3Connection, source: { CopySource: string }, to: string, size: number): Promise<boolean> {
  const { client, run } = s3;
  const created = await run(
    client.send(new CreateMultipartUploadCommand({ ...s3.at(to), ...s3.encryption, ContentType: BLOB_TYPE })),
  );
  const upload = { ...s3.at(to), UploadId: created.UploadId };
  try {
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (let start = 0; start < size; start += COPY_PART) {
      const number = parts.length + 1;
      const end = Math.min(size, start + COPY_PART) - 1;
      const range = { PartNumber: number, CopySourceRange: `bytes=${start}-${end}` };
      const copied = await run(client.send(new UploadPartCopyCommand({ ...upload, ...source, ...range })));
      parts.push({ PartNumber: number, ETag: copied.CopyPartResult?.ETag });
    }
    await run(client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })));
    return true;
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
