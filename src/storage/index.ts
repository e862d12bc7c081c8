export { blobMissing, blobSize, openBlobFile, readBlobFile } from './blob-files.ts';
export type { BlobScratch, BlobStore, ByteRange } from './blob-store.ts';
export { storageError, storageErrors } from './errors.ts';
export { openBlobStore } from './fs-blob-store.ts';
export {
  checkIndex,
  checkLayout,
  initLayout,
  REF_NAME,
  readLayoutIndex,
  updateLayoutIndex,
  withImage,
} from './layout.ts';
export { DEFAULT_LOCK, type LockOptions, withLock } from './lock-file.ts';
export { removeScratchFolder } from './scratch-files.ts';
export { verifying } from './verify-stream.ts';
