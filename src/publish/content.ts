import type { BuiltImage } from '../build/index.ts';
import { type Digest, type ImageManifest, MAX_MANIFEST_BYTES, parseManifest } from '../oci/index.ts';
import type { RegistryCatalogue } from '../registry/index.ts';
import type { BlobStore } from '../storage/index.ts';
import type { Place } from './types.ts';

/** What a tag of our registry names. */
export interface PublishedImage {
  readonly digest: Digest;
  readonly manifest: ImageManifest;
}

/** Undefined when the tag does not exist, or names an index. */
export async function readPublished(
  catalogue: RegistryCatalogue,
  blobs: BlobStore,
  place: Place,
): Promise<PublishedImage | undefined> {
  const descriptor = await catalogue.resolve(place.repository, place.tag);
  if (descriptor === undefined) return undefined;
  const bytes = await blobs.read(descriptor.digest, MAX_MANIFEST_BYTES);
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || 'manifests' in parsed) return undefined;
  return { digest: descriptor.digest, manifest: parseManifest(bytes) };
}

/**
 * Same config and same layers: whoever runs it cannot tell the two apart. Manifest annotations (build date, lineage
 * notes) do not count, so a rebuild that changed nothing stops the cascade.
 */
export function sameContent(a: ImageManifest, b: ImageManifest): boolean {
  return (
    a.config.digest === b.config.digest &&
    a.layers.length === b.layers.length &&
    a.layers.every((layer, index) => layer.digest === b.layers[index]?.digest)
  );
}

/** True when the build changed nothing against what is published. */
export function isUnchanged(built: BuiltImage, published: PublishedImage | undefined): boolean {
  if (published === undefined) return false;
  return built.descriptor.digest === published.digest || sameContent(built.manifest, published.manifest);
}
