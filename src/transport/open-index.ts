import {
  type Descriptor,
  digestOf,
  type ImageIndex,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  MediaType,
  parseIndex,
  type Reference,
  type ResolvedImage,
  serialize,
} from '../oci/index.ts';
import { chooseImage } from './choose.ts';
import { layoutSource, readIndex } from './layout.ts';
import { archiveSource, isOciArchive, readArchiveIndex } from './oci-archive.ts';
import { type OpenImageOptions, registrySource } from './open.ts';
import { resolveImage } from './resolve.ts';
import type { ImageSource } from './source.ts';
import { openTarMembers } from './tar-members.ts';

/** A multi-platform image, whose blobs can be read until `close`. */
export interface OpenedIndex {
  readonly descriptor: Descriptor;
  readonly index: ImageIndex;
  /** One of its images. @throws as `openImage` */
  image(descriptor: Descriptor): Promise<ResolvedImage>;
  close(): Promise<void>;
}

/**
 * Opens what a reference names as a whole, where that is an image of several platforms; undefined where it is one image.
 * @throws as `openImage`
 */
export async function openIndex(
  reference: Reference,
  options: Omit<OpenImageOptions, 'platform'> = {},
): Promise<OpenedIndex | undefined> {
  options.signal?.throwIfAborted();
  switch (reference.kind) {
    case 'oci':
      return fromLayout(layoutSource(reference.directory), await readIndex(reference.directory), reference.tag);
    case 'oci-archive': {
      const members = await openTarMembers(reference.file);
      if (!isOciArchive(members)) return closed(members);
      const found = await fromLayout(archiveSource(members), await readArchiveIndex(members), reference.tag);
      return found === undefined ? closed(members) : { ...found, close: () => members.close() };
    }
    case 'docker': {
      const { createRegistryClient } = await import('../registry/index.ts');
      const { signal, registry } = options;
      const client = createRegistryClient(reference.registry, {
        ...registry,
        ...(signal === undefined ? {} : { signal }),
      });
      const close = async (): Promise<void> => client.close();
      const { repository, digest, tag } = reference;
      const { descriptor, bytes } = await client
        .manifest(repository, digest ?? tag ?? 'latest')
        .catch((error: unknown) => {
          client.close();
          throw error;
        });
      if (!isIndexType(descriptor.mediaType)) return closed({ close });
      return { ...opened(registrySource(client, repository, descriptor.digest, bytes), descriptor, bytes), close };
    }
    default:
      return undefined;
  }
}

async function closed({ close }: { close(): Promise<void> }): Promise<undefined> {
  await close();
  return undefined;
}

async function fromLayout(
  source: ImageSource,
  layout: ImageIndex,
  tag: string | undefined,
): Promise<OpenedIndex | undefined> {
  const chosen = chooseImage(layout, tag, source.where);
  if (chosen.kind === 'index') {
    // Several unnamed platforms in a layout are one image, though nobody wrote an index of its own for it.
    const bytes = Buffer.from(serialize({ schemaVersion: 2, mediaType: MediaType.index, manifests: layout.manifests }));
    return opened(source, { mediaType: MediaType.index, digest: digestOf(bytes), size: bytes.length }, bytes);
  }
  const { descriptor } = chosen;
  if (!isIndexType(descriptor.mediaType)) return undefined;
  return opened(source, descriptor, await source.read(descriptor.digest, MAX_MANIFEST_BYTES));
}

const opened = (source: ImageSource, descriptor: Descriptor, bytes: Buffer): OpenedIndex => ({
  descriptor,
  index: parseIndex(bytes),
  image: (one) => resolveImage(source, one, isManifestType(one.mediaType) ? undefined : one.platform),
  close: async () => {},
});
