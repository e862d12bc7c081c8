import { isHeraklitError } from '../base/index.ts';
import type { Descriptor, RegistryReference } from '../oci/index.ts';
import { transportError } from './errors.ts';
import { blobsOf, type ManifestToSave, type SaveImageOptions } from './image-to-save.ts';

/** Blobs on their way to a registry at once. */
const PARALLEL_PUSHES = 3;

/** Pushes blobs, then the manifest: a tag never names what is not there. */
export async function toRegistry(
  image: ManifestToSave,
  descriptor: Descriptor,
  reference: RegistryReference,
  options: SaveImageOptions,
): Promise<void> {
  if (reference.digest !== undefined && reference.digest !== descriptor.digest) {
    throw transportError(
      'TRANSPORT_REFERENCE_READ_ONLY',
      `the image has the digest ${descriptor.digest}, it cannot be pushed as ${reference.digest}`,
      { hint: 'Push by tag, or leave the digest out.' },
    );
  }
  // Not before it is needed: commands on local images start without the HTTP client.
  const { createRegistryClient } = await import('../registry/index.ts');
  const client = createRegistryClient(reference.registry, {
    ...options.registry,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  try {
    const waiting = [...blobsOf(image)];
    const worker = async (): Promise<void> => {
      for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) {
        const { digest, size } = blob;
        const push = {
          digest,
          size,
          open: () => image.blobs.open(digest),
          ...(options.mountFrom === undefined ? {} : { mountFrom: options.mountFrom }),
        };
        await again(() => client.pushBlob(reference.repository, push));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_PUSHES }, worker));
    const name = reference.tag ?? reference.digest ?? 'latest';
    const manifest = { bytes: image.manifestBytes, mediaType: image.mediaType };
    await client.pushManifest(reference.repository, name, manifest);
  } finally {
    client.close();
  }
}

/** One more try from the start after a broken upload: blobs are checked for first, so nothing is sent twice in vain. */
async function again<T>(push: () => Promise<T>): Promise<T> {
  try {
    return await push();
  } catch (error) {
    if (!isHeraklitError(error) || !error.retryable) throw error;
    return push();
  }
}
