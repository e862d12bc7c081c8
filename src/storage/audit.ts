import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asCodedError } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '../oci/index.ts';
import { ALGORITHMS, blobPath, isAbsent } from './blob-files.ts';
import { COLLECT_LOCK, statBlob } from './fs-collect.ts';
import { withLock } from './lock-file.ts';
import { scratchFolder } from './scratch-files.ts';
import { uploadsFolder } from './upload-files.ts';

/** Blobs that were found corrupt and put aside, for somebody to look at. */
const ASIDE = '.corrupt';

/** A file of a layout that is no blob. */
export interface OtherFile {
  /** `stray` has no business there; `scratch` and `upload` are being written, or were; `aside` was found corrupt. */
  readonly kind: 'stray' | 'scratch' | 'upload' | 'aside';
  /** Below the layout's folder. */
  readonly path: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** Locks, and files that are written aside and renamed, come and go. */
const PASSING = /^(?:oci-layout|index\.json|\.collect)(?:\.lock)?(?:\.|$)/;
const KNOWN = new Set(['blobs', '.scratch', '.uploads', ASIDE]);

/** Everything in a layout that is neither a blob nor one of the layout's own two files. */
export async function* auditLayout(directory: string): AsyncGenerator<OtherFile> {
  for (const name of await names(directory)) {
    if (!KNOWN.has(name) && !PASSING.test(name)) yield* describe(directory, name, 'stray');
  }
  yield* auditFolder(directory, '.scratch', scratchFolder(directory), 'scratch');
  yield* auditFolder(directory, '.uploads', uploadsFolder(directory), 'upload');
  for (const algorithm of await names(join(directory, 'blobs'))) {
    const folder = `blobs/${algorithm}`;
    if (!(ALGORITHMS as readonly string[]).includes(algorithm)) {
      yield* describe(directory, folder, 'stray');
      continue;
    }
    for (const name of await names(join(directory, folder))) {
      const isBlob =
        isDigest(`${algorithm}:${name}`) && (await statBlob(directory, `${algorithm}:${name}` as Digest)) !== undefined;
      if (!isBlob) yield* describe(directory, `${folder}/${name}`, 'stray');
    }
  }
  for (const algorithm of ALGORITHMS) {
    yield* auditFolder(directory, `${ASIDE}/${algorithm}`, join(directory, ASIDE, algorithm), 'aside');
  }
}

/**
 * Takes a corrupt blob out of the store, keeping its bytes under `.corrupt/`; not when it was written again since
 * `modified`. @returns where it lies now, below the layout's folder
 */
export async function setBlobAside(directory: string, digest: Digest, modified: number): Promise<string | undefined> {
  try {
    return await withLock(join(directory, COLLECT_LOCK), async () => {
      if ((await statBlob(directory, digest))?.modified !== modified) return undefined;
      const path = `${ASIDE}/${digestAlgorithm(digest)}/${digestHex(digest)}.${Math.round(modified)}`;
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await rename(blobPath(directory, digest), join(directory, path));
      return path;
    });
  } catch (error) {
    throw asCodedError(error);
  }
}

async function* auditFolder(
  directory: string,
  shown: string,
  folder: string,
  kind: OtherFile['kind'],
): AsyncGenerator<OtherFile> {
  for (const name of await names(folder)) yield* describe(directory, `${shown}/${name}`, kind);
}

/** Nothing when it is gone by now. */
async function* describe(directory: string, path: string, kind: OtherFile['kind']): AsyncGenerator<OtherFile> {
  const found = await stat(join(directory, path)).catch(() => undefined);
  if (found !== undefined) yield { kind, path, size: found.size, modified: found.mtimeMs };
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw asCodedError(error);
  }
}
