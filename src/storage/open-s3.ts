import type { BlobStore } from './blob-store.ts';
import type { S3Options } from './s3/options.ts';

export type { S3Options } from './s3/options.ts';

/** The S3 client is loaded only where it is used: it takes longer to load than most commands to run. */
export async function openS3BlobStore(options: S3Options): Promise<BlobStore> {
  const { openS3Store } = await import('./s3/blob-store.ts');
  return openS3Store(options);
}
