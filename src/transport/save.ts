import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { decompress } from '../archive/index.ts';
import { isHeraklitError } from '../base/index.ts';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  digestOf,
  isRepositoryName,
  layerCompression,
  MediaType,
  ociError,
  type Reference,
  type RegistryReference,
  type ResolvedImage,
} from '../oci/index.ts';
import type { RegistryClientOptions } from '../registry/index.ts';
import {
  openBlobStore,
  REF_NAME,
  removeScratchFolder,
  updateLayoutIndex,
  verifying,
  withImage,
} from '../storage/index.ts';
import { transportError } from './errors.ts';
import { type ArchiveFile, writeArchive } from './write-tar.ts';

/** Blobs on their way to a registry at once. */
const PARALLEL_PUSHES = 3;

export type ImageToSave = Pick<ResolvedImage, 'manifestBytes' | 'mediaType' | 'manifest' | 'config' | 'blobs'>;

export interface SaveImageOptions {
  readonly registry?: RegistryClientOptions;
  /** A repository of the same registry to mount blobs from. */
  readonly mountFrom?: string;
  readonly signal?: AbortSignal;
}

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
      throw transportError('TRANSPORT_NOT_AN_IMAGE', `cannot save an image as the root folder ${reference.root}`, {
        hint: 'Use oci:DIR, oci-archive:FILE, docker-archive:FILE or HOST/REPOSITORY:TAG.',
      });
  }
}

/** Config and layers, each once; layers that live elsewhere (urls) are not copied. */
function blobsOf({ manifest }: ImageToSave): readonly Descriptor[] {
  const own = [manifest.config, ...manifest.layers].filter((blob) => blob.urls === undefined);
  return [...new Map(own.map((blob) => [blob.digest, blob])).values()];
}

async function checked(image: ImageToSave, { digest, size }: Descriptor): Promise<Readable> {
  return verifying(await image.blobs.open(digest), digest, size);
}

async function toLayout(
  image: ImageToSave,
  descriptor: Descriptor,
  directory: string,
  tag: string | undefined,
): Promise<void> {
  const store = await openBlobStore(directory);
  for (const blob of blobsOf(image)) {
    if ((await store.size(blob.digest)) !== blob.size) await store.write(await image.blobs.open(blob.digest), blob);
  }
  await store.put(image.manifestBytes);
  await updateLayoutIndex(directory, (index) => withImage(index, withPlatform(image, descriptor), tag));
  await removeScratchFolder(directory);
}

function withPlatform({ config }: ImageToSave, descriptor: Descriptor): Descriptor {
  const { os, architecture, variant } = config;
  return { ...descriptor, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
}

const blobName = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;

async function fillOci(
  archive: ArchiveFile,
  image: ImageToSave,
  descriptor: Descriptor,
  tag: string | undefined,
): Promise<void> {
  const named = withPlatform(image, descriptor);
  const manifests = [tag === undefined ? named : { ...named, annotations: { [REF_NAME]: tag } }];
  await archive.add('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  await archive.add('index.json', json({ schemaVersion: 2, mediaType: MediaType.index, manifests }));
  await archive.add(blobName(descriptor.digest), image.manifestBytes);
  for (const blob of blobsOf(image)) {
    await archive.stream(blobName(blob.digest), blob.size, await checked(image, blob));
  }
}

/** As `docker save` wrote before it had OCI layouts inside: every version of every engine loads this form. */
async function fillDocker(
  archive: ArchiveFile,
  image: ImageToSave,
  file: string,
  tag: string | undefined,
): Promise<void> {
  const { config, layers } = image.manifest;
  const diffIds = image.config.rootfs.diff_ids;
  const names: string[] = [];
  const written = new Set<Digest>();
  for (const [index, layer] of layers.entries()) {
    const diffId = diffIds[index];
    if (diffId === undefined)
      throw ociError('OCI_MANIFEST_INVALID', 'the config has fewer diff_ids than the manifest layers');
    names.push(`${digestHex(diffId)}.tar`);
    if (written.has(diffId)) continue;
    written.add(diffId);
    // The size stands in the header before the bytes, so a compressed layer is unpacked twice: cheaper than disk.
    const size = await unpackedSize(image, layer, diffId);
    await archive.stream(`${digestHex(diffId)}.tar`, size, unpacked(image, layer));
  }
  const configName = `${digestHex(config.digest)}.json`;
  await archive.stream(configName, config.size, await checked(image, config));
  const stem = basename(file)
    .replace(/\.tar$/, '')
    .toLowerCase();
  const repoTags = tag === undefined ? null : [`${isRepositoryName(stem) ? stem : 'image'}:${tag}`];
  await archive.add('manifest.json', json([{ Config: configName, RepoTags: repoTags, Layers: names }]));
}

async function unpackedSize(image: ImageToSave, layer: Descriptor, diffId: Digest): Promise<number> {
  const sum = createHash(digestAlgorithm(diffId));
  let size = 0;
  for await (const chunk of unpacked(image, layer)) {
    sum.update(chunk);
    size += chunk.length;
  }
  if (sum.digest('hex') === digestHex(diffId)) return size;
  throw ociError('OCI_DIGEST_MISMATCH', `layer ${layer.digest} does not unpack to its diff_id ${diffId}`);
}

async function* unpacked(image: ImageToSave, layer: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
  const compression = layerCompression(layer.mediaType);
  if (compression === undefined) {
    throw ociError(
      'OCI_LAYER_INVALID',
      `${layer.digest}: ${JSON.stringify(layer.mediaType)} is no layer docker-archive: can hold`,
    );
  }
  yield* decompress(await checked(image, layer), compression);
}

async function toRegistry(
  image: ImageToSave,
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

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
