export { auditLayout, type OtherFile, setBlobAside } from './audit.ts';
export { blobMissing, blobSize, openBlobFile, readBlobFile } from './blob-files.ts';
export type { BlobFacts, BlobScratch, BlobStore, ByteRange, StoredBlob } from './blob-store.ts';
export type { BlobUploads, UploadContent, UploadOptions, UploadState } from './blob-uploads.ts';
export { storageError } from './errors.ts';
export { type BlobStoreOptions, openBlobStore } from './fs-blob-store.ts';
export {
  checkIndex,
  REF_NAME,
  readLayoutIndex,
  updateLayoutIndex,
  withImage,
} from './layout.ts';
export { type LockOptions, withLock } from './lock-file.ts';
export { openS3BlobStore, type S3Options } from './open-s3.ts';
export { openHomeStore } from './open-store.ts';
export { RENEW_AFTER, relyOn } from './rely.ts';
export { removeScratchFolder } from './scratch-files.ts';
export { verifying } from './verify-stream.ts';
