export { type ArMember, readAr } from './ar.ts';
export { type ByteSource, bufferSource, fileSource } from './byte-source.ts';
export {
  type Compression,
  type DecompressLimits,
  decompress,
  decompressBuffer,
  detectCompression,
} from './compression.ts';
export {
  type DecompressHashedOptions,
  decompressHashed,
  decompressPassing,
  type HashedBytes,
} from './decompress-hashed.ts';

export { type ExtractOptions, type ExtractResult, extractTar, extractTarBuffer } from './extract.ts';
export { type ExtractFilesResult, extractFiles } from './extract-files.ts';
export type { ArchiveFile } from './extract-thread.ts';
export { DEFAULT_ARCHIVE_LIMITS, DEFAULT_CAPTURE_LIMIT } from './limits.ts';
export { decodePath, encodePath } from './path.ts';
export { removeFromRoot } from './remove.ts';
export { type BufferedTarEntry, readTarBuffer } from './tar-buffer.ts';
export { scanTar, type TarContentSink, type TarHandler, TarParser, type TarReadOptions } from './tar-parser.ts';
export { readTar } from './tar-read.ts';

export { createTarWriter, type TarWriter } from './tar-writer.ts';
export { isForThread, prepareThread, releaseThread } from './threaded-gunzip.ts';
export type { ArchiveLimits, TarEntry, TarEntryType, TarHeader } from './types.ts';
export { readZipDirectory, type ZipEntry, type ZipReadOptions } from './zip-directory.ts';
export { readZipEntry, storedZipEntry } from './zip-entry.ts';
