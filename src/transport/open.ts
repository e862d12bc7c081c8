import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  type Digest,
  MAX_MANIFEST_BYTES,
  type Platform,
  type Reference,
  type RegistryReference,
  type ResolvedImage,
} from '../oci/index.ts';
import type { RegistryClient, RegistryClientOptions } from '../registry/index.ts';
import { storageError } from '../storage/index.ts';
import { openDockerArchive } from './docker-archive.ts';
import { transportError } from './errors.ts';
import { openLayout } from './layout.ts';
import { openOciArchive } from './oci-archive.ts';
import { resolveImage } from './resolve.ts';
import type { ImageSource } from './source.ts';
import { openTarMembers, type TarMembers } from './tar-members.ts';

export interface OpenImageOptions {
  /** The host's where undefined; given, an image of another platform is refused. */
  readonly platform?: Platform;
  readonly registry?: RegistryClientOptions;
  readonly signal?: AbortSignal;
}

/** An image whose blobs can be read until `close`. */
export type OpenedImage = ResolvedImage & { close(): Promise<void> };

/**
 * Opens the image that a reference names, wherever it lies, reading its manifest and config. Archives are read where
 * they lie; layers come when they are asked for.
 *
 * @throws TRANSPORT_IMAGE_MISSING, TRANSPORT_IMAGE_AMBIGUOUS, TRANSPORT_ARCHIVE_INVALID, TRANSPORT_NOT_AN_IMAGE,
 *   BLOB_MISSING, OCI_PLATFORM_MISSING, OCI_MANIFEST_INVALID, OCI_DIGEST_MISMATCH, REGISTRY_…
 */
export async function openImage(reference: Reference, options: OpenImageOptions = {}): Promise<OpenedImage> {
  options.signal?.throwIfAborted();
  switch (reference.kind) {
    case 'oci':
      return Object.assign(await openLayout(reference.directory, reference.tag, options.platform), {
        close: async () => {},
      });
    case 'oci-archive':
      return fromArchive(reference, options, openOciArchive);
    case 'docker-archive':
      return fromArchive(reference, options, openDockerArchive);
    case 'docker':
      return fromRegistry(reference, options);
    case 'dir':
      throw transportError('TRANSPORT_NOT_AN_IMAGE', `${reference.root} is a root folder, not an OCI image`, {
        hint: `Only scan, outdated and diff take dir:. Did you mean oci:${dirname(`${reference.root}/x`)}?`,
      });
  }
}

async function fromArchive(
  { file, tag }: { readonly file: string; readonly tag: string | undefined },
  { platform }: OpenImageOptions,
  read: (members: TarMembers, tag: string | undefined, platform: Platform | undefined) => Promise<ResolvedImage>,
): Promise<OpenedImage> {
  const members = await openTarMembers(file);
  try {
    return Object.assign(await read(members, tag, platform), { close: () => members.close() });
  } catch (error) {
    await members.close();
    throw error;
  }
}

async function fromRegistry(reference: RegistryReference, options: OpenImageOptions): Promise<OpenedImage> {
  // Loaded when needed: it brings the database's libraries, which reading a local image should not wait for.
  const { createRegistryClient } = await import('../registry/index.ts');
  const client = createRegistryClient(reference.registry, {
    ...options.registry,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  try {
    const image = await openFromRegistry(client, reference, options.platform);
    return Object.assign(image, { close: async () => client.close() });
  } catch (error) {
    client.close();
    throw error;
  }
}

/** The same with a client that the caller keeps, for many images of one registry. */
export async function openFromRegistry(
  client: RegistryClient,
  { repository, digest, tag }: Pick<RegistryReference, 'repository' | 'digest' | 'tag'>,
  platform?: Platform,
): Promise<ResolvedImage> {
  const { descriptor, bytes } = await client.manifest(repository, digest ?? tag ?? 'latest');
  return resolveImage(registrySource(client, repository, descriptor.digest, bytes), descriptor, platform);
}

export function registrySource(client: RegistryClient, repository: string, known: Digest, bytes: Buffer): ImageSource {
  const where = `${client.registry}/${repository}`;
  return {
    where,
    open: (digest) => client.blob(repository, digest),
    async read(digest, limit) {
      if (digest === known) return bytes;
      const size = await client.blobSize(repository, digest);
      // No blob of that name: a manifest then, the child of an index.
      if (size === undefined) return readManifest(client, repository, digest);
      if (size > limit) throw storageError('BLOB_TOO_LARGE', `${where}: ${digest} has ${size} bytes, over ${limit}`);
      return buffer(await client.blob(repository, digest));
    },
  };
}

async function readManifest(client: RegistryClient, repository: string, digest: Digest): Promise<Buffer> {
  const { bytes } = await client.manifest(repository, digest);
  if (bytes.length <= MAX_MANIFEST_BYTES) return bytes;
  throw storageError('BLOB_TOO_LARGE', `${digest} has ${bytes.length} bytes`);
}
