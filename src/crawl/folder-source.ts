import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatReference, type Platform, type Reference } from '../oci/index.ts';
import { listImages, openImage } from '../transport/index.ts';
import { crawlError } from './errors.ts';
import { failureOf } from './failure.ts';
import type { CrawlFailure, CrawlSource, FoundImage } from './types.ts';

/** Folders looked into, and how deep below the one named. */
const MAX_FOLDERS = 100_000;
const MAX_DEPTH = 16;

/** Every OCI layout below a folder, and the images in each; links to folders are not followed. */
export function folderSource(folder: string, platform?: Platform): CrawlSource {
  const root = resolve(folder);
  return {
    name: `folder:${root}`,
    covers: () => true,
    find: (signal) => find(root, platform, signal),
    close: async () => {},
  };
}

async function* find(
  root: string,
  platform: Platform | undefined,
  signal: AbortSignal,
): AsyncGenerator<FoundImage | CrawlFailure> {
  if (!existsSync(root)) throw crawlError('CRAWL_SOURCE_INVALID', `there is no folder ${root}`);
  const folders: { readonly path: string; readonly depth: number }[] = [{ path: root, depth: 0 }];
  let looked = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    looked += 1;
    if (looked > MAX_FOLDERS) {
      yield {
        kind: 'failed',
        reference: folder.path,
        code: 'CRAWL_LIMIT',
        message: `more than ${MAX_FOLDERS} folders`,
      };
      return;
    }
    if (existsSync(join(folder.path, 'oci-layout'))) yield* images(folder.path, platform);
    else if (folder.depth < MAX_DEPTH) {
      const { path, depth } = folder;
      const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
      folders.push(
        ...entries
          .filter((entry) => entry.isDirectory())
          .map((entry) => ({ path: join(path, entry.name), depth: depth + 1 })),
      );
    }
  }
}

async function* images(directory: string, platform: Platform | undefined): AsyncGenerator<FoundImage | CrawlFailure> {
  let listed: Awaited<ReturnType<typeof listImages>>;
  try {
    listed = await listImages(directory);
  } catch (error) {
    yield failureOf(`oci:${directory}`, error);
    return;
  }
  for (const { tag, descriptor } of listed) {
    // Without a name, an image can be told from others only where it is the only one.
    if (tag === undefined && listed.length > 1) continue;
    const reference: Reference = { kind: 'oci', directory, tag };
    yield {
      kind: 'image',
      reference: formatReference(reference),
      digest: descriptor.digest,
      open: async (signal) => {
        const image = await openImage(reference, { signal, ...(platform === undefined ? {} : { platform }) });
        return { image, close: () => image.close() };
      },
    };
  }
}
