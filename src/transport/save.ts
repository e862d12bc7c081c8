import { type Descriptor, digestOf, type Reference, type RegistryReference } from '../oci/index.ts';
import { openBlobStore, relyOn, removeScratchFolder, updateLayoutIndex, withImage } from '../storage/index.ts';
import { transportError } from './errors.ts';
import {
  blobsOf,
  type ImageToSave,
  type ManifestToSave,
  type SaveImageOptions,
  withPlatform,
} from './image-to-save.ts';
import { fillDocker, fillOci } from './save-archive.ts';
import { toRegistry } from './save-registry.ts';
import { writeArchive } from './write-tar.ts';

/**
 * Refuses what no image can be saved as: asked before the work that makes one.
 * @throws TRANSPORT_NOT_AN_IMAGE
 */
export function checkSavable(reference: Reference): void {
  if (reference.kind === 'dir') throw notAnImage(reference.root);
}

const notAnImage = (root: string): Error =>
  transportError('TRANSPORT_NOT_AN_IMAGE', `cannot save an image as the root folder ${root}`, {
    hint: 'Use oci:DIR, oci-archive:FILE, docker-archive:FILE or HOST/REPOSITORY:TAG.',
  });

/**
 * Saves an image under a reference. Manifest and blobs stay byte for byte, except in docker-archive:, whose form wants
 * uncompressed layers. A layout gains the image; an archive file is replaced whole.
 *
 * @returns the descriptor it is found by
 * @throws TRANSPORT_NOT_AN_IMAGE, TRANSPORT_REFERENCE_READ_ONLY, BLOB_MISSING, OCI_DIGEST_MISMATCH, DISK_FULL, REGISTRY_…
 */
export async function saveImage(
  image: ImageToSave,
  reference: Reference,
  options: SaveImageOptions = {},
): Promise<Descriptor> {
  options.signal?.throwIfAborted();
  const digest = digestOf(image.manifestBytes);
  const descriptor: Descriptor = { mediaType: image.mediaType, digest, size: image.manifestBytes.length };
  switch (reference.kind) {
    case 'oci':
      await toLayout(image, descriptor, reference.directory, reference.tag);
      return descriptor;
    case 'oci-archive':
      await writeArchive(reference.file, (archive) => fillOci(archive, image, descriptor, reference.tag));
      return descriptor;
    case 'docker-archive':
      await writeArchive(reference.file, (archive) => fillDocker(archive, image, reference.file, reference.tag));
      return descriptor;
    case 'docker':
      await toRegistry(image, descriptor, reference, options);
      return descriptor;
    case 'dir':
      throw notAnImage(reference.root);
  }
}

/**
 * Pushes a signature, statement or other artifact: blobs, then the manifest.
 * @throws REGISTRY_…, BLOB_MISSING
 */
export function saveArtifact(
  artifact: ManifestToSave,
  reference: RegistryReference,
  options: SaveImageOptions = {},
): Promise<void> {
  const { manifestBytes, mediaType } = artifact;
  const descriptor = { mediaType, digest: digestOf(manifestBytes), size: manifestBytes.length };
  return toRegistry(artifact, descriptor, reference, options);
}

async function toLayout(
  image: ImageToSave,
  descriptor: Descriptor,
  directory: string,
  tag: string | undefined,
): Promise<void> {
  const store = await openBlobStore(directory);
  for (const blob of blobsOf(image)) {
    if ((await relyOn(store, blob.digest)) !== blob.size) await store.write(await image.blobs.open(blob.digest), blob);
  }
  await store.put(image.manifestBytes);
  await updateLayoutIndex(directory, (index) => withImage(index, withPlatform(image, descriptor), tag));
  await removeScratchFolder(directory);
}
