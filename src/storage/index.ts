export type { BlobScratch, BlobStore, ByteRange } from './blob-store.ts';
