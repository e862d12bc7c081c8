import { setTimeout as sleep } from 'node:timers/promises';
import { digestHex, digestOf } from '../../oci/index.ts';
import { ownerState, ownerToken } from '../owner.ts';
import { uploadBusy, uploadUnknown } from '../upload-errors.ts';
import type { S3Connection, S3Object } from './connection.ts';
import { listParts, type Multipart, partBytes } from './multipart.ts';
import { getObject, putObject } from './objects.ts';

/**
 * An upload is a folder of small objects, `uploads/<id>.<hash of its owner>/`:
 *   begun          that there is one
 *   multipart      the id of its multipart upload, once there is a first part, whose object will be `data`
 *   tail-<offset>  bytes that came after the parts, too few for a part; one at another offset is out of date
 *   claim-<token>  somebody writes to it
 */
export const UPLOADS = 'uploads/';

/** Claims last renewed longer ago than this are given up, in ms by the server's clock. */
const STALLED_AFTER = 60_000;
const HEARTBEAT = 20_000;
const CLAIM_ATTEMPTS = 6;
const CLAIM_PAUSE = 60;
/** Most bytes of an id of a multipart upload that we read back. */
const MAX_ID = 8_192;

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface ClaimedUpload {
  readonly folder: string;
  readonly objects: readonly S3Object[];
  release(): Promise<void>;
  /** Ends the claim's renewal without a request: what is in the folder goes as a whole. */
  abandon(): void;
}

/** @throws STORAGE_UPLOAD_UNKNOWN for an id that we did not make: it becomes part of a key. */
export function uploadFolder(owner: string, id: string): string {
  if (!ID.test(id)) throw uploadUnknown(id);
  return `${UPLOADS}${id}.${digestHex(digestOf(owner)).slice(0, 16)}/`;
}

const nameOf = ({ name }: S3Object): string => name.slice(name.lastIndexOf('/') + 1);

/** @throws STORAGE_UPLOAD_UNKNOWN */
export async function listUpload(s3: S3Connection, folder: string, id: string): Promise<readonly S3Object[]> {
  const objects = await Array.fromAsync(s3.list(folder));
  if (!objects.some((one) => nameOf(one) === 'begun')) throw uploadUnknown(id);
  return objects;
}

/**
 * Claims an upload by an object that is then alone in the folder's listing. Whoever finds another claim beside its own
 * takes its own back and tries again after a random pause: two may both give way, two never both hold it. It needs of
 * the server no more than listings that show what was just written, and no conditional requests, which not all have.
 *
 * @throws STORAGE_UPLOAD_UNKNOWN, STORAGE_UPLOAD_BUSY
 */
export async function claimUpload(s3: S3Connection, owner: string, id: string): Promise<ClaimedUpload> {
  const folder = uploadFolder(owner, id);
  await listUpload(s3, folder, id);
  const name = `${folder}claim-${ownerToken()}`;
  for (let attempt = 1; ; attempt += 1) {
    await putObject(s3, name, new Uint8Array());
    let objects: readonly S3Object[] = [];
    try {
      objects = await listUpload(s3, folder, id);
    } catch (error) {
      await s3.delete([name]);
      throw error;
    }
    const others = claims(objects).filter((one) => one.name !== name);
    const now = objects.find((one) => one.name === name)?.modified ?? Number.POSITIVE_INFINITY;
    const dead = others.filter((one) => isGivenUp(one, now));
    if (dead.length === others.length) {
      if (dead.length > 0) await s3.delete(dead.map((one) => one.name));
      return held(s3, name, folder, objects);
    }
    await s3.delete([name]);
    if (attempt === CLAIM_ATTEMPTS) throw uploadBusy(id);
    await sleep(Math.random() * CLAIM_PAUSE * attempt);
  }
}

export const claims = (objects: readonly S3Object[]): readonly S3Object[] =>
  objects.filter((one) => nameOf(one).startsWith('claim-'));

/** Its process is dead, or it was not renewed for long. @param now by the server's clock */
export function isGivenUp(claim: S3Object, now: number): boolean {
  const state = ownerState(nameOf(claim).slice('claim-'.length));
  return state === 'dead' || (state === 'unknown' && now - claim.modified > STALLED_AFTER);
}

function held(s3: S3Connection, name: string, folder: string, objects: readonly S3Object[]): ClaimedUpload {
  const heartbeat = setInterval(() => void putObject(s3, name, new Uint8Array()).catch(() => undefined), HEARTBEAT);
  heartbeat.unref();
  return {
    folder,
    objects: objects.filter((one) => !nameOf(one).startsWith('claim-')),
    abandon: () => clearInterval(heartbeat),
    release: async () => {
      clearInterval(heartbeat);
      await s3.delete([name]);
    },
  };
}

/** How far an upload is. */
export interface Progress {
  readonly upload: Multipart;
  /** Name and length of the bytes after the parts. */
  readonly tail: { readonly name: string; readonly size: number } | undefined;
  /** The parts are one object already: only the blob is missing, as its publication failed. */
  readonly completed: boolean;
  readonly size: number;
}

export async function readProgress(
  s3: S3Connection,
  folder: string,
  objects: readonly S3Object[],
  multipartIds: Map<string, string>,
): Promise<Progress> {
  const named = new Map(objects.map((one) => [nameOf(one), one]));
  const upload: Multipart = { name: `${folder}data`, uploadId: undefined, parts: [] };
  const data = named.get('data');
  if (data !== undefined) return { upload, tail: undefined, completed: true, size: data.size };
  if (named.has('multipart')) {
    const known = multipartIds.get(folder) ?? (await readSmall(s3, `${folder}multipart`)).toString();
    multipartIds.set(folder, known);
    upload.uploadId = known;
    upload.parts = await listParts(s3, upload.name, known);
  }
  const offset = partBytes(upload);
  const tail = named.get(`tail-${offset}`);
  return { upload, tail, completed: false, size: offset + (tail?.size ?? 0) };
}

/** A small object, wholly; empty where there is none. */
export async function readSmall(s3: S3Connection, name: string, limit = MAX_ID): Promise<Buffer> {
  const found = await getObject(s3, name);
  if (found === undefined) return Buffer.alloc(0);
  if (found.size > limit) {
    found.discard();
    throw new RangeError(`${name} has ${found.size} bytes, not at most ${limit}`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
