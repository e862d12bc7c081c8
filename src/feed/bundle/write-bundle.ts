import type { KeyObject } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { createTarWriter } from '../../archive/index.ts';
import { asCodedError, syncDirectory } from '../../base/index.ts';
import type { BundleMember } from './cached-files.ts';
import { signBytes } from './keys.ts';
import { type BundledFeed, type BundleManifest, formatManifest, MANIFEST, SIGNATURE } from './manifest.ts';

const LEVEL = 3;
const FACTS = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const;

export interface BundleContent {
  /** ISO 8601 */
  readonly date: string;
  readonly feeds: readonly BundledFeed[];
  readonly members: readonly BundleMember[];
}

/**
 * Writes one archive: manifest, its signature, then the files it names in their order. The same content and key give
 * the same bytes. Written aside and renamed: there is never half a bundle under the name.
 */
export async function writeBundle(
  path: string,
  content: BundleContent,
  key: KeyObject,
  signal?: AbortSignal,
): Promise<BundleManifest> {
  const files = content.members.map(({ path: name, size, sha256 }) => ({ path: name, size, sha256 }));
  const manifest: BundleManifest = {
    apiVersion: 'heraklit/v1',
    kind: 'Bundle',
    date: content.date,
    feeds: content.feeds,
    files,
  };
  const target = resolve(path);
  const aside = join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const handle = await open(aside, 'wx', 0o644);
    try {
      const zstd = createZstdCompress({
        params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
      });
      const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
        for await (const chunk of chunks) await handle.writeFile(chunk);
      };
      const tar = Readable.from(tarOf(manifest, content.members, key));
      await pipeline(tar, zstd, write, signal === undefined ? {} : { signal });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    await rm(aside, { force: true });
    throw asCodedError(error);
  }
  return manifest;
}

async function* tarOf(
  manifest: BundleManifest,
  members: readonly BundleMember[],
  key: KeyObject,
): AsyncGenerator<Uint8Array, void> {
  let ready: Uint8Array[] = [];
  // The writer gathers small pieces in memory that it uses again.
  const writer = createTarWriter((chunk) => ready.push(Uint8Array.from(chunk)));
  const taken = (): readonly Uint8Array[] => {
    const chunks = ready;
    ready = [];
    return chunks;
  };
  const manifestBytes = formatManifest(manifest);
  const signature = signBytes(manifestBytes, key);
  writer.add({ path: MANIFEST, size: manifestBytes.length, ...FACTS }, manifestBytes);
  writer.add({ path: SIGNATURE, size: signature.length, ...FACTS }, signature);
  for (const { path, size, content } of members) {
    writer.begin({ path, size, ...FACTS });
    if (content instanceof Uint8Array) writer.write(content);
    else {
      for await (const chunk of createReadStream(content.path, { highWaterMark: 256 * 1024 })) {
        writer.write(Uint8Array.from(chunk as Buffer));
        yield* taken();
      }
    }
    writer.end();
    yield* taken();
  }
  writer.finish();
  yield* taken();
}
