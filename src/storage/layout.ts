import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asCodedError, writeFileAtomic } from '../base/index.ts';
import { type Descriptor, type ImageIndex, isDigest, MediaType } from '../oci/index.ts';
import { isAbsent } from './blob-files.ts';
import { storageError } from './errors.ts';
import { withLock } from './lock-file.ts';

/** image-spec image-layout.md and annotations.md */
export const REF_NAME = 'org.opencontainers.image.ref.name';
const LAYOUT_VERSION = '1.0.0';
/** Bytes of an index.json we read: some 200,000 images. */
export const MAX_INDEX_BYTES = 64 * 1024 * 1024;

const EMPTY_INDEX: ImageIndex = { schemaVersion: 2, mediaType: MediaType.index, manifests: [] };

/** Makes a folder an empty layout where it is none; an existing one is checked and left alone. */
export async function initLayout(directory: string): Promise<void> {
  const marker = join(directory, 'oci-layout');
  if (await exists(marker)) await checkLayout(directory);
  else await writeFileAtomic(marker, `${JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION })}\n`);
  const index = join(directory, 'index.json');
  if (await exists(index)) return;
  await withLock(`${index}.lock`, async () => {
    if (!(await exists(index))) await writeFileAtomic(index, encode(EMPTY_INDEX));
  });
}

/** @throws STORAGE_LAYOUT_INVALID */
export async function checkLayout(directory: string): Promise<void> {
  const path = join(directory, 'oci-layout');
  const marker = (await readJson(path, 64 * 1024)) as { imageLayoutVersion?: unknown } | null;
  const version = marker?.imageLayoutVersion;
  if (typeof version !== 'string' || !/^1\./.test(version)) {
    throw storageError('STORAGE_LAYOUT_INVALID', `${path} does not say imageLayoutVersion 1.x`);
  }
}

/** The layout's index.json, its descriptors checked. @throws STORAGE_LAYOUT_INVALID */
export async function readLayoutIndex(directory: string): Promise<ImageIndex> {
  await checkLayout(directory);
  const path = join(directory, 'index.json');
  return checkIndex(await readJson(path, MAX_INDEX_BYTES), path);
}

/** @throws STORAGE_LAYOUT_INVALID naming `where` */
export function checkIndex(value: unknown, where: string): ImageIndex {
  const index = value as ImageIndex | null;
  const good =
    index !== null &&
    typeof index === 'object' &&
    index.schemaVersion === 2 &&
    Array.isArray(index.manifests) &&
    index.manifests.every(isDescriptor);
  if (!good) throw storageError('STORAGE_LAYOUT_INVALID', `${where} is not an OCI image index`);
  return index;
}

/**
 * Changes index.json atomically; two processes doing so at once both get their change in.
 * @throws STORAGE_LAYOUT_INVALID, STORAGE_LOCKED, DISK_FULL
 */
export async function updateLayoutIndex(directory: string, change: (index: ImageIndex) => ImageIndex): Promise<void> {
  const path = join(directory, 'index.json');
  try {
    await withLock(`${path}.lock`, async () => {
      const before = await readLayoutIndex(directory);
      const after = change(before);
      if (after !== before) await writeFileAtomic(path, encode(after));
    });
  } catch (error) {
    throw asCodedError(error);
  }
}

/** Pure: the index with `descriptor` under `tag`, which moves from wherever it was; untagged ones are kept once. */
export function withImage(index: ImageIndex, descriptor: Descriptor, tag: string | undefined): ImageIndex {
  const named: Descriptor =
    tag === undefined ? descriptor : { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME]: tag } };
  const kept = index.manifests.filter((other) => {
    const name = other.annotations?.[REF_NAME];
    if (name !== undefined) return name !== tag;
    return other.digest !== descriptor.digest;
  });
  return { ...index, manifests: [...kept, named] };
}

function isDescriptor(value: unknown): value is Descriptor {
  const it = value as Descriptor | null;
  return (
    it !== null &&
    typeof it === 'object' &&
    typeof it.mediaType === 'string' &&
    typeof it.digest === 'string' &&
    isDigest(it.digest) &&
    Number.isSafeInteger(it.size) &&
    it.size >= 0 &&
    (it.annotations === undefined || (it.annotations !== null && typeof it.annotations === 'object'))
  );
}

async function readJson(path: string, limit: number): Promise<unknown> {
  let text: string;
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > limit) {
      throw storageError('STORAGE_LAYOUT_INVALID', `${path} is no file of at most ${limit} bytes`);
    }
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!isAbsent(error)) throw asCodedError(error);
    throw storageError('STORAGE_LAYOUT_INVALID', `no OCI image layout here: ${path} is missing`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw storageError('STORAGE_LAYOUT_INVALID', `${path} is not JSON`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

const encode = (index: ImageIndex): string => `${JSON.stringify(index)}\n`;
