import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { writeCacheFile } from '../base/index.ts';
import {
  type IndexOrigin,
  type IndexRow,
  packageRows,
  packagesOfLines,
  type RepositoryPackage,
  rowToLine,
} from '../distro/index.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Changes whenever the rows do: a cache of another version is simply not found. */
const FORMAT = 1;
const LEVEL = 3;
/** Indexes shrink to a sixth: with room for all of it, the output need not be put together from thousands of pieces. */
const USUAL_RATIO = 8;
const MIN_CHUNK = 64 * 1024;

/** The part of a Packages index that heraklit uses, one line a package: a fifth of its size, no parsing of fields. */
function compactText(rows: Iterable<IndexRow>): string {
  return [...rows].map(rowToLine).join('\n');
}

const pathOf = (directory: string, sha256: string): string =>
  join(directory, 'indexes', sha256.slice(0, 2), `${sha256}.v${FORMAT}.zst`);

/** Packages of an index parsed earlier; undefined when there is none, or it is damaged. */
export async function readCachedIndex(
  directory: string,
  sha256: string,
  origin: IndexOrigin,
): Promise<readonly RepositoryPackage[] | undefined> {
  try {
    const file = await readFile(pathOf(directory, sha256));
    const bytes = await decompress(file, { chunkSize: Math.max(MIN_CHUNK, file.length * USUAL_RATIO) });
    return packagesOfLines(bytes.toString('latin1'), origin);
  } catch {
    // Missing or damaged (zstd checks its own sum): either way it is fetched anew.
    return undefined;
  }
}

/** Parses a verified Packages index and keeps the compact form. */
export async function cacheIndex(
  directory: string,
  sha256: string,
  packages: Uint8Array,
  origin: IndexOrigin,
): Promise<readonly RepositoryPackage[]> {
  const text = compactText(packageRows(packages, origin.id));
  const bytes = await compress(Buffer.from(text, 'latin1'), {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  await writeCacheFile(pathOf(directory, sha256), bytes);
  return packagesOfLines(text, origin);
}
