import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { writeCacheFile } from '../base/index.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/index.ts';
import { type LayerRecord, parseLayerRecord, serializeLayerRecord } from './layer-record.ts';

/** Where layer records are kept between scans. Losing one costs reading the layer again, nothing else. */
export interface LayerCache {
  /** Whether there is something to get, which may still turn out damaged. */
  has(blob: Digest): boolean;
  get(blob: Digest): Promise<LayerRecord | undefined>;
  put(record: LayerRecord): Promise<void>;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Bytes of an unpacked record: captured files and 5 million entries fit. */
const MAX_RECORD_BYTES = 2 ** 30;
/** Records of an image are read by the hundred: ratio costs less than time here. */
const LEVEL = 1;

/**
 * One file a layer under `folder` (`layers` in `Home.cache`), named by the blob's digest. Files are written whole or not at all,
 * carry a checksum (zstd's), and a damaged one counts as missing.
 */
export function directoryLayerCache(folder: string): LayerCache {
  const pathOf = (blob: Digest): string =>
    join(folder, digestAlgorithm(blob), digestHex(blob).slice(0, 2), `${digestHex(blob)}.zst`);
  return {
    has: (blob) => existsSync(pathOf(blob)),
    async get(blob) {
      try {
        const packed = await readFile(pathOf(blob));
        return parseLayerRecord(blob, await decompress(packed, { maxOutputLength: MAX_RECORD_BYTES }));
      } catch {
        return undefined;
      }
    },
    async put(record) {
      const packed = await compress(serializeLayerRecord(record), {
        params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
      });
      await writeCacheFile(pathOf(record.blob), packed);
    },
  };
}

/** Lasts as long as the process; for tests and one-off scans. */
export function memoryLayerCache(): LayerCache {
  const records = new Map<Digest, LayerRecord>();
  return {
    has: (blob) => records.has(blob),
    get: async (blob) => records.get(blob),
    put: async (record) => void records.set(record.blob, record),
  };
}
