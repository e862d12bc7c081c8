import type { Readable } from 'node:stream';
import type { Descriptor, ResolvedImage } from '../oci/index.ts';
import type { RegistryClientOptions } from '../registry/index.ts';
import { verifying } from '../storage/index.ts';

/** What saving needs of an image. */
export type ImageToSave = Pick<ResolvedImage, 'manifestBytes' | 'mediaType' | 'manifest' | 'config' | 'blobs'>;

/** Any manifest of the image's form: an artifact, too, whose config is none. */
export type ManifestToSave = Omit<ImageToSave, 'config'>;

export interface SaveImageOptions {
  readonly registry?: RegistryClientOptions;
  /** A repository of the same registry to mount blobs from. */
  readonly mountFrom?: string;
  readonly signal?: AbortSignal;
}

/** Config and layers, each once; layers that live elsewhere (urls) are not copied. */
export function blobsOf({ manifest }: ManifestToSave): readonly Descriptor[] {
  const own = [manifest.config, ...manifest.layers].filter((blob) => blob.urls === undefined);
  return [...new Map(own.map((blob) => [blob.digest, blob])).values()];
}

/** A blob's bytes, verified whatever they come from. */
export async function checked(image: ManifestToSave, { digest, size }: Descriptor): Promise<Readable> {
  return verifying(await image.blobs.open(digest), digest, size);
}

/** The descriptor as it stands in an index.json. */
export function withPlatform({ config }: ImageToSave, descriptor: Descriptor): Descriptor {
  const { os, architecture, variant } = config;
  return { ...descriptor, platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
}
