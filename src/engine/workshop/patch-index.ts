import { isHeraklitError, messageOf } from '../../base/index.ts';
import { PATCH_ANNOTATION } from '../../build/index.ts';
import {
  type Descriptor,
  formatPlatform,
  type ImageIndex,
  isManifestType,
  type ResolvedImage,
} from '../../oci/index.ts';
import type { OpenedIndex } from '../../transport/index.ts';
import { workshopError } from './errors.ts';
import { type PatchFilter, type PatchOutcome, patchImage } from './patch-image.ts';
import { resolvedFrom, storeOver } from './resolved.ts';
import type { Workshop } from './workshop.ts';

/** What became of one platform. */
export type PlatformOutcome = { readonly platform: string; readonly source: string } & (
  | { readonly kind: 'done'; readonly outcome: PatchOutcome; readonly image: ResolvedImage }
  /** It stands in the new index as it was. */
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string; readonly image: ResolvedImage }
);

export interface PatchedIndex {
  readonly index: ImageIndex;
  readonly images: readonly ResolvedImage[];
  readonly platforms: readonly PlatformOutcome[];
  /** Statements on images that are no longer in the index (attestations): they would vouch for something else. */
  readonly leftOut: readonly string[];
}

/** What lies in the platform or in this machine, not in chance. */
const CANNOT = /^(?:PATCH_|SANDBOX_|IMAGE_UNSUPPORTED$|FEED_DISTRIBUTION_UNKNOWN$|FEED_INDEX_MISSING$|FEED_NOT_FOUND$)/;

/** buildx keeps statements on an image beside it, as a manifest of no platform. */
const STATEMENT_ON = 'vnd.docker.reference.digest';

/**
 * Patches every platform of an image, each from its original. One that cannot be patched is told: then nothing is made,
 * or with `keepUnpatched` it stays in the index as it was.
 *
 * @throws PATCH_PLATFORMS_INCOMPLETE
 */
export async function patchIndex(
  opened: OpenedIndex,
  filter: PatchFilter & { readonly keepUnpatched?: boolean },
  workshop: Workshop,
): Promise<PatchedIndex> {
  const platforms: PlatformOutcome[] = [];
  const statements: Descriptor[] = [];
  for (const descriptor of opened.index.manifests) {
    if (descriptor.annotations?.[STATEMENT_ON] !== undefined) statements.push(descriptor);
    else platforms.push(await patchPlatform(opened, descriptor, filter, workshop));
  }
  const failed = platforms.filter((one) => one.kind === 'failed');
  if (failed.length > 0 && (filter.keepUnpatched !== true || failed.length === platforms.length)) {
    const reasons = failed.map(({ platform, reason }) => `${platform}: ${reason}`);
    throw workshopError('PATCH_PLATFORMS_INCOMPLETE', `not every platform can be patched: ${reasons.join('; ')}`, {
      hint: 'Take one with --platform, or keep the others as they are with --keep-unpatched.',
      details: { failed: failed.map(({ platform, code }) => ({ platform, code })) },
    });
  }
  const now = new Map(platforms.map(({ source, image }) => [source, image]));
  const kept = statements.filter(({ annotations }) => {
    const subject = annotations?.[STATEMENT_ON] ?? '';
    return now.get(subject)?.digest === subject;
  });
  const manifests = opened.index.manifests.flatMap((descriptor) => {
    if (statements.includes(descriptor)) return kept.includes(descriptor) ? [descriptor] : [];
    const image = now.get(descriptor.digest) as ResolvedImage;
    return [{ ...descriptor, mediaType: image.mediaType, digest: image.digest, size: image.manifestBytes.byteLength }];
  });
  const { annotations = {} } = opened.index;
  const source = annotations[PATCH_ANNOTATION.source] ?? opened.descriptor.digest;
  const isSame = platforms.every(({ source: before, image }) => before === image.digest);
  return {
    index: isSame
      ? opened.index
      : { ...opened.index, manifests, annotations: { ...annotations, [PATCH_ANNOTATION.source]: source } },
    images: [...platforms.map(({ image }) => image), ...(await Promise.all(kept.map((one) => opened.image(one))))],
    platforms,
    leftOut: statements.filter((one) => !kept.includes(one)).map(({ digest }) => digest),
  };
}

async function patchPlatform(
  opened: OpenedIndex,
  descriptor: Descriptor,
  filter: PatchFilter,
  workshop: Workshop,
): Promise<PlatformOutcome> {
  const platform = descriptor.platform === undefined ? descriptor.digest : formatPlatform(descriptor.platform);
  if (!isManifestType(descriptor.mediaType)) {
    throw workshopError('IMAGE_UNSUPPORTED', `${descriptor.digest}: ${descriptor.mediaType} stands in the index`, {
      hint: 'Name one platform with --platform.',
    });
  }
  const image = await opened.image(descriptor);
  const source = descriptor.digest;
  try {
    const outcome = await patchImage(image, filter, workshop);
    if (outcome.kind === 'unchanged') return { kind: 'done', platform, source, outcome, image };
    const blobs = storeOver(await workshop.store(), image.blobs);
    return { kind: 'done', platform, source, outcome, image: resolvedFrom(outcome.image, blobs) };
  } catch (error) {
    if (!isHeraklitError(error) || !CANNOT.test(error.code)) throw error;
    return { kind: 'failed', platform, source, code: error.code, reason: messageOf(error), image };
  }
}
