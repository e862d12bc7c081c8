import type { Hash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  paginateListParts,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { UploadContent } from '../blob-uploads.ts';
import type { S3Connection } from './connection.ts';
import { asS3Error, isAbsentObject } from './failures.ts';
import { PART_SIZE } from './options.ts';

/** Parts on their way at once, for one upload: its memory is this many parts and the one that is gathered. */
const IN_FLIGHT = 2;

export interface Part {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
}

/** Parts of one multipart upload as the server has them; the object appears when it is completed. */
export interface Multipart {
  readonly name: string;
  /** Undefined until there is a first part: what is smaller is put as a whole. */
  uploadId: string | undefined;
  parts: Part[];
}

export const partBytes = ({ parts }: Multipart): number => parts.reduce((sum, { size }) => sum + size, 0);

/** Parts 1, 2, 3 … up to the first that is missing: one after a part that failed is of no use. */
export async function listParts(s3: S3Connection, name: string, uploadId: string): Promise<Part[]> {
  const parts: Part[] = [];
  try {
    for await (const page of paginateListParts({ client: s3.client }, { ...s3.at(name), UploadId: uploadId })) {
      for (const { PartNumber, ETag = '', Size = 0 } of page.Parts ?? []) {
        if (PartNumber !== parts.length + 1) return parts;
        parts.push({ number: PartNumber, etag: ETag, size: Size });
      }
    }
  } catch (error) {
    if (!isAbsentObject(error)) throw asS3Error(error, s3.where);
  }
  return parts;
}

export interface AppendOptions {
  /** Bytes that arrived before and are in no part yet. */
  readonly tail: Buffer;
  readonly hash?: Hash | undefined;
  readonly admit?: (size: number) => void;
  /** Told the id of an upload that begins, before its first part goes out. */
  readonly begun?: (uploadId: string) => Promise<void>;
}

/**
 * Sends content as parts of PART_SIZE.
 * @returns what is left for the next part, and what `content` failed with, if it did: all before that is in parts and
 * tail. A part that fails fails the call; the parts before it stay.
 */
export async function appendParts(
  s3: S3Connection,
  upload: Multipart,
  content: UploadContent,
  options: AppendOptions,
): Promise<{ readonly tail: Buffer; readonly failure: unknown }> {
  let size = partBytes(upload) + options.tail.length;
  let gathered: Uint8Array[] = options.tail.length === 0 ? [] : [options.tail];
  let bytes = options.tail.length;
  const flying = new Set<Promise<void>>();
  const sent: Part[] = [];
  let failure: unknown;

  const send = async (body: Buffer): Promise<void> => {
    if (upload.uploadId === undefined) {
      upload.uploadId = await createMultipart(s3, upload.name);
      await options.begun?.(upload.uploadId);
    }
    const number = upload.parts.length + sent.length + flying.size + 1;
    const flight = sendPart(s3, upload, number, body).then((part) => {
      sent.push(part);
      flying.delete(flight);
    });
    flight.catch(() => undefined);
    flying.add(flight);
    if (flying.size >= IN_FLIGHT) await Promise.race(flying);
  };
  try {
    for await (const chunk of content) {
      options.admit?.(size + chunk.length);
      options.hash?.update(chunk);
      size += chunk.length;
      bytes += chunk.length;
      gathered.push(chunk);
      if (bytes < PART_SIZE) continue;
      const body = Buffer.concat(gathered);
      [gathered, bytes] = [[], 0];
      await send(body);
    }
  } catch (error) {
    failure = error;
  }
  const ends = await Promise.allSettled(flying);
  upload.parts.push(...sent.sort((a, b) => a.number - b.number));
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  return { tail: Buffer.concat(gathered), failure };
}

/** Sends what is left as the last part, which may be small, and makes the object appear. */
export async function completeMultipart(s3: S3Connection, upload: Multipart, tail: Buffer): Promise<void> {
  if (tail.length > 0) upload.parts.push(await sendPart(s3, upload, upload.parts.length + 1, tail));
  const Parts = upload.parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
  const named = { ...s3.at(upload.name), UploadId: upload.uploadId };
  await s3.run(s3.client.send(new CompleteMultipartUploadCommand({ ...named, MultipartUpload: { Parts } })));
}

/** Nothing of it stays on the server. One that is gone already is fine. */
export async function abortMultipart(s3: S3Connection, name: string, uploadId: string): Promise<void> {
  const request = s3.client.send(new AbortMultipartUploadCommand({ ...s3.at(name), UploadId: uploadId }));
  await s3.run(
    request.catch((error: unknown) => {
      if (!isAbsentObject(error)) throw error;
    }),
  );
}

async function createMultipart(s3: S3Connection, name: string): Promise<string> {
  const ContentType = 'application/octet-stream';
  const command = new CreateMultipartUploadCommand({ ...s3.at(name), ...s3.encryption, ContentType });
  return (await s3.run(s3.client.send(command))).UploadId ?? '';
}

async function sendPart(s3: S3Connection, upload: Multipart, number: number, body: Buffer): Promise<Part> {
  const named = { ...s3.at(upload.name), UploadId: upload.uploadId, PartNumber: number };
  const { ETag = '' } = await s3.run(s3.client.send(new UploadPartCommand({ ...named, Body: body })));
  return { number, etag: ETag, size: body.length };
}
