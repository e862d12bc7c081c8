import { isHeraklitError } from '../../base/index.ts';
import { architectureOf, type ComposedImage } from '../../build/index.ts';
import { loadRecipe } from '../../recipe/index.ts';
import { type BuildRecipeOptions, type BuiltRecipe, buildRecipe } from './build-recipe.ts';
import { workshopError } from './errors.ts';
import type { Workshop } from './workshop.ts';

/**
 * The architectures (Debian's words) that a recipe is for, in its order; undefined where it names at most one platform,
 * and the machine's own is meant.
 * @throws COMPOSE_PLATFORM, RECIPE_*
 */
export async function architecturesOf(path: string): Promise<readonly string[] | undefined> {
  const { platforms = [] } = (await loadRecipe(path)).document;
  return platforms.length < 2 ? undefined : platforms.map(architectureOf);
}

export interface BuiltPlatforms {
  /** In the recipe's order. */
  readonly images: readonly BuiltRecipe[];
  close(): Promise<void>;
}

/**
 * An image for each architecture, or none: what cannot be built here is refused with its reason, because an index that
 * silently lacks a platform is found out by whoever pulls it.
 *
 * @throws RECIPE_PLATFORMS_INCOMPLETE, and what a build of one throws when all fail alike
 */
export async function buildPlatforms(
  path: string,
  architectures: readonly string[],
  options: Omit<BuildRecipeOptions, 'architecture'>,
  workshop: Workshop,
): Promise<BuiltPlatforms> {
  const images: BuiltRecipe[] = [];
  const failed: string[] = [];
  const close = async (): Promise<void> => {
    for (const { close: closeOne } of images) await closeOne();
  };
  try {
    for (const architecture of architectures) {
      try {
        images.push(await buildRecipe(path, { ...options, architecture, oneOfSeveral: true }, workshop));
      } catch (error) {
        if (!isHeraklitError(error, 'COMPOSE_ARCHITECTURE', 'FEED_INDEX_MISSING')) throw error;
        failed.push(`${architecture}: ${error.message}`);
      }
    }
    if (failed.length === 0) return { images, close };
    throw workshopError('RECIPE_PLATFORMS_INCOMPLETE', `not every platform can be built here: ${failed.join('; ')}`, {
      hint: 'Build the others one by one with --arch, take these out of `platforms`, or build with `scripts: none`.',
      details: { failed, built: images.map(({ built }) => (built as ComposedImage).lock.architecture) },
    });
  } catch (error) {
    await close();
    throw error;
  }
}
