import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { decompress } from '../archive/index.ts';
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isRepositoryName,
  layerCompression,
  MediaType,
  ociError,
} from '../oci/index.ts';
import { REF_NAME } from '../storage/index.ts';
import { blobsOf, checked, type ImageToSave, withPlatform } from './image-to-save.ts';
import type { ArchiveFile } from './write-tar.ts';

const blobName = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;

/** An OCI layout as a tar archive. */
export async function fillOci(
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
export async function fillDocker(
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

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
