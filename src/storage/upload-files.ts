import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/index.ts';
import { digestHex, digestOf } from '../oci/index.ts';
import { isAbsent } from './blob-files.ts';
import type { UploadState } from './blob-uploads.ts';
import { ownerState, ownerToken } from './owner.ts';
import { scratchPath } from './scratch-files.ts';
import { uploadBusy, uploadUnknown } from './upload-errors.ts';

/**
 * An upload is one file, `.uploads/<id>.<hash of its owner>`, as long as the bytes that arrived. Whoever writes to it
 * renames it to `….<token of this process and request>` first and back afterwards: rename is atomic, so of several
 * requests, in whatever process, one gets it. A token says whether its process still lives (owner.ts).
 */
export const uploadsFolder = (directory: string): string => join(directory, '.uploads');

/** A claim of a process nobody can ask (another machine or container) counts as given up after this many idle ms. */
export const STALLED_AFTER = 60_000;

/** Rounds of looking for a file that others rename meanwhile. */
const ATTEMPTS = 5;
const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{16})(?:\.([0-9a-f-]+))?$/;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What one request holds; `path` is its own until it is released. */
export interface ClaimedUpload {
  readonly id: string;
  readonly path: string;
  /** @throws STORAGE_UPLOAD_UNKNOWN when somebody took it over, which only an owner that stood still loses */
  release(): Promise<void>;
}

interface Named {
  readonly id: string;
  readonly base: string;
  readonly token: string | undefined;
}

export async function createUploadFile(
  directory: string,
  owner: string,
  id = randomUUID() as string,
): Promise<UploadState> {
  const path = join(uploadsFolder(directory), baseName(owner, id));
  const create = async (): Promise<void> => (await open(path, 'wx', 0o644)).close();
  try {
    await create();
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await mkdir(uploadsFolder(directory), { recursive: true });
    await create();
  }
  return { id, size: 0, touched: systemClock.now() };
}

/** @throws STORAGE_UPLOAD_UNKNOWN, STORAGE_UPLOAD_BUSY */
export async function claimUpload(directory: string, owner: string, id: string): Promise<ClaimedUpload> {
  const folder = uploadsFolder(directory);
  const base = baseName(owner, id);
  const idle = join(folder, base);
  const path = `${idle}.${ownerToken()}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await renamed(idle, path)) return claimed(id, path, idle);
    const held = await heldBy(folder, base);
    if (held === undefined) break;
    if (held.token === undefined) continue;
    const state = ownerState(held.token);
    if (state === 'alive') throw uploadBusy(id);
    const from = join(folder, `${base}.${held.token}`);
    if (state === 'unknown' && !(await stalled(from))) throw uploadBusy(id);
    if (!(await renamed(from, path))) continue;
    // Its former writer may still hold the file open and wake up: it then writes into one that has no name any more.
    if (state === 'unknown') await ownCopy(directory, path);
    return claimed(id, path, idle);
  }
  throw uploadUnknown(id);
}

/** @throws STORAGE_UPLOAD_UNKNOWN */
export async function uploadFileState(directory: string, owner: string, id: string): Promise<UploadState> {
  const folder = uploadsFolder(directory);
  const base = baseName(owner, id);
  for (let attempt = 0, name = base; attempt < ATTEMPTS; attempt += 1) {
    const found = await stat(join(folder, name)).catch(absentAsUndefined);
    if (found !== undefined) return { id, size: found.size, touched: found.mtimeMs };
    const held = await heldBy(folder, base);
    if (held === undefined) break;
    name = held.token === undefined ? base : `${base}.${held.token}`;
  }
  throw uploadUnknown(id);
}

export async function* listUploadFiles(
  directory: string,
): AsyncGenerator<UploadState & { readonly path: string; readonly token: string | undefined }> {
  const folder = uploadsFolder(directory);
  for (const name of await names(folder)) {
    const named = parseName(name);
    if (named === undefined) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(absentAsUndefined);
    if (found === undefined) continue;
    yield { id: named.id, size: found.size, touched: found.mtimeMs, path, token: named.token };
  }
}

/** Removes files untouched since `before`, unless a living process writes to them. Made scratch first: one remover wins. */
export async function expireUploadFiles(directory: string, before: number): Promise<number> {
  let expired = 0;
  for await (const { path, touched, token } of listUploadFiles(directory)) {
    if (touched >= before || (token !== undefined && ownerState(token) === 'alive')) continue;
    const mine = await scratchPath(directory);
    if (!(await renamed(path, mine))) continue;
    await rm(mine, { force: true });
    expired += 1;
  }
  return expired;
}

/** @throws STORAGE_UPLOAD_UNKNOWN for an id that we did not make: it becomes part of a path. */
function baseName(owner: string, id: string): string {
  if (!ID.test(id)) throw uploadUnknown(id);
  return `${id}.${digestHex(digestOf(owner)).slice(0, 16)}`;
}

function parseName(name: string): Named | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : { id: match[1] as string, base: `${match[1]}.${match[2]}`, token: match[3] };
}

async function heldBy(folder: string, base: string): Promise<Named | undefined> {
  for (const name of await names(folder)) {
    const named = parseName(name);
    if (named?.base === base) return named;
  }
  return undefined;
}

function claimed(id: string, path: string, idle: string): ClaimedUpload {
  const release = async (): Promise<void> => {
    if (!(await renamed(path, idle))) throw uploadUnknown(id);
  };
  return { id, path, release };
}

async function ownCopy(directory: string, path: string): Promise<void> {
  const copy = await scratchPath(directory);
  try {
    await copyFile(path, copy);
    await rename(copy, path);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
}

async function stalled(path: string): Promise<boolean> {
  const found = await stat(path).catch(absentAsUndefined);
  return found === undefined || systemClock.now() - found.mtimeMs > STALLED_AFTER;
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

const names = (folder: string): Promise<readonly string[]> =>
  readdir(folder).catch((error: unknown) => absentAsUndefined(error) ?? []);

function absentAsUndefined(error: unknown): undefined {
  if (isAbsent(error)) return undefined;
  throw error;
}
