import { isHeraklitError } from '../base/index.ts';
import {
  type Descriptor,
  hostPlatform,
  type ImageIndex,
  type Platform,
  type ResolvedImage,
  selectPlatform,
} from '../oci/index.ts';
import { blobSize, openBlobFile, readBlobFile, readLayoutIndex } from '../storage/index.ts';
import { chooseImage, nameOf } from './choose.ts';
import { transportError } from './errors.ts';
import { resolveImage } from './resolve.ts';
import type { ImageSource } from './source.ts';

/** Opens an image in an OCI layout folder, without writing there. */
export async function openLayout(
  directory: string,
  tag: string | undefined,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  return fromIndex(layoutSource(directory), await readIndex(directory), tag, platform);
}

/** Finds the image of an index.json, in a folder or an archive alike. */
export async function fromIndex(
  source: ImageSource,
  index: ImageIndex,
  tag: string | undefined,
  platform: Platform | undefined,
): Promise<ResolvedImage> {
  const chosen = chooseImage(index, tag, source.where);
  const descriptor =
    chosen.kind === 'descriptor' ? chosen.descriptor : selectPlatform(index, platform ?? hostPlatform());
  return resolveImage(source, descriptor, platform);
}

export interface ListedImage {
  /** As index.json names it; undefined for an image without a name. */
  readonly tag: string | undefined;
  readonly descriptor: Descriptor;
}

/** The images of an OCI layout folder, in the order of its index.json. @throws STORAGE_LAYOUT_INVALID, TRANSPORT_IMAGE_MISSING */
export async function listImages(directory: string): Promise<readonly ListedImage[]> {
  const { manifests } = await readIndex(directory);
  return manifests.map((descriptor) => ({ tag: nameOf(descriptor), descriptor }));
}

/**
 * The manifest or index that a tag or digest names in an OCI layout folder; without a name, the only image there.
 * @throws TRANSPORT_IMAGE_MISSING, TRANSPORT_IMAGE_AMBIGUOUS, STORAGE_LAYOUT_INVALID
 */
export async function imageNamed(directory: string, name: string | undefined): Promise<Descriptor> {
  const index = await readIndex(directory);
  const listed = index.manifests.find(({ digest }) => digest === name);
  if (listed !== undefined) return listed;
  const chosen = chooseImage(index, name, directory);
  if (chosen.kind === 'descriptor') return chosen.descriptor;
  throw transportError('TRANSPORT_IMAGE_AMBIGUOUS', `${directory} holds images of several platforms without a name`, {
    hint: 'Say which: append :TAG.',
  });
}

export function layoutSource(directory: string): ImageSource {
  return {
    where: directory,
    ownChunks: true,
    open: (digest) => openBlobFile(directory, digest),
    read: (digest, limit) => readBlobFile(directory, digest, limit),
    size: (digest) => blobSize(directory, digest),
  };
}

export async function readIndex(directory: string): Promise<ImageIndex> {
  try {
    return await readLayoutIndex(directory);
  } catch (error) {
    const cause = isHeraklitError(error, 'STORAGE_LAYOUT_INVALID') ? (error.cause as { code?: string }) : undefined;
    if (cause?.code !== 'ENOENT') throw error;
    throw transportError('TRANSPORT_IMAGE_MISSING', `no OCI image layout in ${directory}`, {
      cause: error,
      hint: 'A layout folder holds the files oci-layout and index.json; for an unpacked root file system use dir:.',
    });
  }
}
