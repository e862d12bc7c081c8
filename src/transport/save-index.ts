import { type Descriptor, digestOf, type ImageIndex, MediaType, type Reference, serialize } from '../oci/index.ts';
import {
  openBlobStore,
  REF_NAME,
  relyOn,
  removeScratchFolder,
  updateLayoutIndex,
  withImage,
} from '../storage/index.ts';
import { transportError } from './errors.ts';
import { blobsOf, checked, type ManifestToSave, type SaveImageOptions } from './image-to-save.ts';
import { toRegistry } from './save-registry.ts';
import { writeArchive } from './write-tar.ts';

/** An image of several platforms. */
export interface IndexToSave {
  readonly index: ImageIndex;
  /** Every manifest that the index names. */
  readonly images: readonly ManifestToSave[];
}

/**
 * Saves an image of several platforms: its images first, then the index under the reference.
 * @returns the descriptor it is found by
 * @throws TRANSPORT_NOT_AN_IMAGE a root folder or docker-archive: cannot hold one; as `saveImage`
 */
export async function saveIndex(
  { index, images }: IndexToSave,
  reference: Reference,
  options: SaveImageOptions = {},
): Promise<Descriptor> {
  options.signal?.throwIfAborted();
  const bytes = Buffer.from(serialize(index));
  const mediaType = index.mediaType ?? MediaType.index;
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  switch (reference.kind) {
    case 'oci':
      await toLayout(images, bytes, descriptor, reference.directory, reference.tag);
      return descriptor;
    case 'oci-archive':
      await toArchive(images, bytes, descriptor, reference.file, reference.tag);
      return descriptor;
    case 'docker':
      for (const image of images) {
        const own = descriptorOf(image);
        const { tag: _, ...place } = reference;
        await toRegistry(image, own, { ...place, digest: own.digest, tag: undefined }, options);
      }
      await toRegistry(asManifest(bytes, descriptor), descriptor, reference, options);
      return descriptor;
    default:
      throw transportError('TRANSPORT_NOT_AN_IMAGE', `${reference.kind}: cannot hold an image of several platforms`, {
        hint: 'Use oci:DIR, oci-archive:FILE or HOST/REPOSITORY:TAG, or name one with --platform.',
      });
  }
}

const descriptorOf = ({ manifestBytes, mediaType }: ManifestToSave): Descriptor => ({
  mediaType,
  digest: digestOf(manifestBytes),
  size: manifestBytes.length,
});

/** An index as the registry takes it: a manifest without blobs of its own. */
const asManifest = (bytes: Buffer, { mediaType }: Descriptor): ManifestToSave => {
  const none: Descriptor = { mediaType, digest: digestOf(bytes), size: 0, urls: [] };
  return {
    ...{ manifestBytes: bytes, mediaType },
    manifest: { schemaVersion: 2, config: none, layers: [] },
    blobs: {
      open: async () => {
        throw new Error('an index has no blobs');
      },
    },
  };
};

async function toLayout(
  images: readonly ManifestToSave[],
  bytes: Buffer,
  descriptor: Descriptor,
  directory: string,
  tag: string | undefined,
): Promise<void> {
  const store = await openBlobStore(directory);
  for (const image of images) {
    for (const blob of blobsOf(image)) {
      if ((await relyOn(store, blob.digest)) !== blob.size)
        await store.write(await image.blobs.open(blob.digest), blob);
    }
    await store.put(image.manifestBytes);
  }
  await store.put(bytes);
  await updateLayoutIndex(directory, (index) => withImage(index, descriptor, tag));
  await removeScratchFolder(directory);
}

async function toArchive(
  images: readonly ManifestToSave[],
  bytes: Buffer,
  descriptor: Descriptor,
  file: string,
  tag: string | undefined,
): Promise<void> {
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const nameOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
  const named = tag === undefined ? descriptor : { ...descriptor, annotations: { [REF_NAME]: tag } };
  await writeArchive(file, async (archive) => {
    await archive.add('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
    await archive.add('index.json', json({ schemaVersion: 2, mediaType: MediaType.index, manifests: [named] }));
    await archive.add(nameOf(descriptor.digest), bytes);
    const written = new Set<string>();
    for (const image of images) {
      await archive.add(nameOf(digestOf(image.manifestBytes)), image.manifestBytes);
      for (const blob of blobsOf(image)) {
        if (written.has(blob.digest)) continue;
        written.add(blob.digest);
        await archive.stream(nameOf(blob.digest), blob.size, await checked(image, blob));
      }
    }
  });
}
