import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { systemClock } from '../../base/index.ts';
import type { UploadState } from '../blob-uploads.ts';
import type { S3Connection, S3Object } from './connection.ts';
import { abortMultipart } from './multipart.ts';
import { claims, isGivenUp, readProgress, UPLOADS } from './upload-state.ts';

/** What servers cut off a modification time, in ms. */
const CLOCK_STEP = 1_000;

async function uploadFolders(s3: S3Connection): Promise<ReadonlyMap<string, readonly S3Object[]>> {
  const folders = new Map<string, S3Object[]>();
  for await (const object of s3.list(UPLOADS)) {
    const folder = object.name.slice(0, object.name.indexOf('/', UPLOADS.length) + 1);
    const objects = folders.get(folder) ?? [];
    objects.push(object);
    folders.set(folder, objects);
  }
  return folders;
}

const touchedAt = (objects: readonly S3Object[]): number => Math.max(...objects.map(({ modified }) => modified));

export async function* listUploads(s3: S3Connection): AsyncGenerator<UploadState> {
  for (const [folder, objects] of await uploadFolders(s3)) {
    const { size } = await readProgress(s3, folder, objects, new Map());
    yield { id: folder.slice(UPLOADS.length, UPLOADS.length + 36), size, touched: touchedAt(objects) };
  }
}

/**
 * Removes uploads that nobody touched since `before`, and multipart uploads that a dead process left anywhere in the
 * store: they hold parts that no listing shows and that cost money.
 */
export async function expireUploads(
  s3: S3Connection,
  before: number,
): Promise<{ readonly expired: number; readonly left: ReadonlySet<string> }> {
  let expired = 0;
  const left = new Set<string>();
  const now = systemClock.now();
  const multiparts = await listMultiparts(s3);
  for (const [folder, objects] of await uploadFolders(s3)) {
    const parts = multiparts.filter(({ name }) => name.startsWith(folder));
    const inUse = claims(objects).some((claim) => !isGivenUp(claim, now));
    if (inUse || touchedAt(objects) + CLOCK_STEP > before) {
      left.add(folder);
      continue;
    }
    for (const { name, id } of parts) await abortMultipart(s3, name, id);
    await s3.delete(objects.map(({ name }) => name));
    expired += 1;
  }
  for (const { name, id, initiated } of multiparts) {
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    if (!left.has(folder) && initiated + CLOCK_STEP <= before) await abortMultipart(s3, name, id);
  }
  return { expired, left };
}

export interface OpenMultipart {
  readonly name: string;
  readonly id: string;
  readonly initiated: number;
}

/** Multipart uploads under way in the store. */
export async function listMultiparts(s3: S3Connection): Promise<readonly OpenMultipart[]> {
  const found: OpenMultipart[] = [];
  const { Bucket, Key: Prefix } = s3.at('');
  let marker: { KeyMarker: string; UploadIdMarker: string } | undefined;
  do {
    const page = await s3.run(s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix, ...marker })));
    for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
      found.push({ name: Key.slice(Prefix.length), id: UploadId, initiated: Initiated?.getTime() ?? 0 });
    }
    marker =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' }
        : undefined;
  } while (marker !== undefined);
  return found;
}
