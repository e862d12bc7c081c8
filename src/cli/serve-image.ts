import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedImage } from '../oci/index.ts';
import type { CliContext } from './context.ts';

/** An image of a folder or archive, pullable on loopback for as long as it is open. */
export interface ServedImage {
  /** `127.0.0.1:PORT/candidate@sha256:…` */
  readonly reference: string;
  close(): Promise<void>;
}

/** Copies the image into a scratch store and serves that: engines pull from registries alone. */
export async function serveImage(image: ResolvedImage, { home, log }: CliContext): Promise<ServedImage> {
  const [{ adopt, openLoopbackRegistry }, { createMemoryCatalogue }, { openBlobStore }] = await Promise.all([
    import('../engine/index.ts'),
    import('../registry/index.ts'),
    import('../storage/index.ts'),
  ]);
  await mkdir(home.scratch, { recursive: true });
  const folder = await mkdtemp(join(home.scratch, 'verify-'));
  try {
    const store = await openBlobStore(folder);
    await adopt(store, image);
    const catalogue = createMemoryCatalogue();
    const { config, layers } = image.manifest;
    const size = image.manifestBytes.byteLength;
    await catalogue.putManifest({
      repository: 'candidate',
      descriptor: { mediaType: image.mediaType, digest: image.digest, size },
      blobs: [config, ...layers].map(({ digest }) => digest),
    });
    const registry = await openLoopbackRegistry(store, catalogue, log);
    return {
      reference: `${registry.host}/candidate@${image.digest}`,
      close: async () => {
        await registry.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
