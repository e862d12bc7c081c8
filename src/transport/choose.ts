import type { Descriptor, ImageIndex } from '../oci/index.ts';
import { REF_NAME } from '../storage/index.ts';
import { transportError } from './errors.ts';

/** Full name that containerd and Docker write beside the short one. */
const CONTAINERD_NAME = 'io.containerd.image.name';

/** Name an image goes by in an index.json. */
export function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

/**
 * The image that a tag names in an index.json; without a tag the only one. Several unnamed images of different
 * platforms are one multi-platform image, given as `index`.
 * @throws TRANSPORT_IMAGE_MISSING, TRANSPORT_IMAGE_AMBIGUOUS
 */
export function chooseImage(
  index: ImageIndex,
  tag: string | undefined,
  where: string,
): { readonly kind: 'descriptor'; readonly descriptor: Descriptor } | { readonly kind: 'index' } {
  const { manifests } = index;
  const found = tag === undefined ? withoutReferrers(manifests) : named(manifests, tag);
  const distinct = new Map(found.map((descriptor) => [descriptor.digest, descriptor]));
  const [first] = distinct.values();
  if (first === undefined) throw missing(manifests, tag, where);
  if (distinct.size === 1) return { kind: 'descriptor', descriptor: first };
  const platforms = tag === undefined && found.every((one) => one.platform !== undefined && nameOf(one) === undefined);
  if (platforms) return { kind: 'index' };
  const names = found.map((one) => nameOf(one) ?? one.digest).slice(0, 20);
  throw transportError('TRANSPORT_IMAGE_AMBIGUOUS', `${where} holds ${distinct.size} images: ${names.join(', ')}`, {
    hint: 'Say which: append :TAG.',
    details: { names },
  });
}

/** An SBOM or signature attached to the only image does not make it two images. */
function withoutReferrers(manifests: readonly Descriptor[]): readonly Descriptor[] {
  const images = manifests.filter((one) => one.artifactType === undefined || nameOf(one) !== undefined);
  return images.length > 0 ? images : manifests;
}

function named(manifests: readonly Descriptor[], tag: string): readonly Descriptor[] {
  const exact = manifests.filter((one) => nameOf(one) === tag);
  if (exact.length > 0) return exact;
  // podman save and ctr write the whole reference; its tag is what a reader asks for.
  const ends = (name: string | undefined): boolean => name?.endsWith(`:${tag}`) === true;
  return manifests.filter((one) => ends(nameOf(one)) || ends(one.annotations?.[CONTAINERD_NAME]));
}

function missing(manifests: readonly Descriptor[], tag: string | undefined, where: string): Error {
  const names = manifests.map((one) => nameOf(one) ?? one.digest).slice(0, 20);
  const has = names.length === 0 ? 'it is empty' : `it has ${names.join(', ')}`;
  return transportError('TRANSPORT_IMAGE_MISSING', `no image ${tag ?? ''} in ${where}: ${has}`.replace('  ', ' '), {
    details: { names },
  });
}
