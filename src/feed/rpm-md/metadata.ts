import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { decompressBuffer, detectCompression } from '../../archive/index.ts';
import { type HeraklitError, redact, writeCacheFile } from '../../base/index.ts';
import { MAX_METADATA_BYTES, type Repomd, type RepomdFile } from '../../distro/index.ts';
import { downloadBuffer } from '../download.ts';
import { feedError } from '../errors.ts';
import { mirrorUrl } from '../transfer.ts';
import type { RepomdContext } from './fetch-repomd.ts';
import type { RpmRepository } from './repository.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Changes whenever what is kept does: a cache of another version is simply not found. */
const FORMAT = 1;
const LEVEL = 3;

async function readCache<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse((await decompress(await readFile(path))).toString('utf8')) as T;
  } catch {
    // Missing or damaged (zstd checks its own sum): either way it is fetched anew.
    return undefined;
  }
}

async function fetchFile(file: RepomdFile, repository: RpmRepository, context: RepomdContext): Promise<Buffer> {
  const { failover, signal, attempts } = context;
  const bases = failover.order(repository.bases);
  const urls = new Map(bases.map((base) => [mirrorUrl(base, file.path), base]));
  const onFailure = (url: string, error: HeraklitError): void =>
    failover.failed(repository.bases, urls.get(url) as string, error);
  const hash = file.algorithm === 'sha512' ? { sha512: file.checksum } : { sha256: file.checksum };
  const bytes = await downloadBuffer(
    { urls: [...urls.keys()], size: file.size, ...hash },
    { signal, attempts, onFailure },
  );
  return decompressBuffer(bytes, detectCompression(bytes), {
    maxBytes: Math.min(file.openSize ?? MAX_METADATA_BYTES, MAX_METADATA_BYTES),
  });
}

/**
 * One metadata file, fetched, checked and parsed once in its life: what `parse` made of it is kept by the file's
 * checksum. Undefined where the repository has no such file.
 *
 * @param keptAs a word of its own for each thing that is made of one file
 * @throws FEED_*, ARCHIVE_*, and what `parse` throws
 */
export async function metadata<T>(
  type: string,
  repomd: Repomd,
  repository: RpmRepository,
  context: RepomdContext,
  parse: (bytes: Buffer, what: string) => Promise<T>,
  keptAs = type,
): Promise<T | undefined> {
  const file = repomd.files.get(type);
  if (file === undefined) return undefined;
  const name = `${file.checksum.slice(0, 64)}.${keptAs}.v${FORMAT}.zst`;
  const path = join(context.cache, 'indexes', file.checksum.slice(0, 2), name);
  const cached = await readCache<T>(path);
  if (cached !== undefined) return cached;
  if (context.offline) {
    throw feedError(
      'FEED_OFFLINE',
      `${file.path} of ${repository.id} is not in the cache and the network was ruled out`,
      {
        hint: 'Run once without --offline.',
      },
    );
  }
  const what = `${redact(repository.bases[0] ?? repository.id)}/${file.path}`;
  const parsed = await parse(await fetchFile(file, repository, context), what);
  const packed = await compress(Buffer.from(JSON.stringify(parsed), 'utf8'), {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  await writeCacheFile(path, packed);
  return parsed;
}
