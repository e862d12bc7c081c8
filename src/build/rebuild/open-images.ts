import { isDigest } from '../../oci/index.ts';
import { imageKey, type RecipeNames } from './drivers/types.ts';
import { rebuildError } from './errors.ts';
import type { LockedImage, PlatformLock } from './lock.ts';
import type { BaseImage, RecipeTools } from './types.ts';

export interface PinnedImage {
  readonly image: BaseImage;
  readonly locked: LockedImage;
}

/** Images that one Dockerfile may name. */
const MAX_IMAGES = 64;

/**
 * Every image that the recipe names, opened once and pinned: by the digest that the lock says, else by the one its
 * name has now. Keyed by `imageKey`.
 * @throws REBUILD_LOCK_STALE, REBUILD_DOCKERFILE_INVALID, and what opening throws
 */
export async function openImages(
  { uses }: RecipeNames,
  platform: string,
  lock: PlatformLock | undefined,
  tools: RecipeTools,
): Promise<ReadonlyMap<string, PinnedImage>> {
  const images = new Map<string, PinnedImage>();
  try {
    for (const use of uses) {
      const wanted = use.platform ?? platform;
      const key = imageKey(use.name, wanted);
      if (images.has(key)) continue;
      if (images.size >= MAX_IMAGES)
        throw rebuildError('REBUILD_DOCKERFILE_INVALID', `it names more than ${MAX_IMAGES} images`);
      const known = lock?.images.find(({ name, platform: of }) => name === use.name && of === wanted);
      const digest = known !== undefined && isDigest(known.digest) ? known.digest : undefined;
      const image = await tools.base(use.name, wanted, digest);
      images.set(key, { image, locked: { name: use.name, platform: wanted, digest: image.digest } });
      if (digest !== undefined && image.digest !== digest) {
        throw rebuildError(
          'REBUILD_LOCK_STALE',
          `${use.name} is locked as ${digest}, and only ${image.digest} can be had`,
          {
            hint: 'Push the locked image again, or lock anew with --update.',
          },
        );
      }
    }
    return images;
  } catch (error) {
    await closeImages(images);
    throw error;
  }
}

export async function closeImages(images: ReadonlyMap<string, PinnedImage>): Promise<void> {
  for (const { image } of images.values()) await image.close?.();
}
