/** The stages over one home, without fleet, queue and database: what a command that makes one image needs. */
export { architecturesOf, type BuiltPlatforms, buildPlatforms } from './build-platforms.ts';
export {
  type BuildRecipeOptions,
  type BuiltRecipe,
  buildRecipe,
  type LockedRecipe,
  lockRecipeFile,
} from './build-recipe.ts';
export { checkSecondBuild } from './build-twice.ts';
export { type Needed, neededByImage, neededByRecipe } from './needed-packages.ts';
export { type PatchFilter, type PatchOutcome, patchImage } from './patch-image.ts';
export { type PatchedIndex, type PlatformOutcome, patchIndex } from './patch-index.ts';
export { type RebaseImages, rebaseImage } from './rebase-image.ts';
export { rebuildKiwi } from './rebuild-description.ts';
export { type RebuildImageOptions, type RebuiltDockerfile, rebuildImage } from './rebuild-image.ts';
export { indexOfPlatforms, type RebuiltPlatforms, rebuildPlatforms } from './rebuild-platforms.ts';
export { resolvedFrom, storeOver } from './resolved.ts';
export { openWorkshop, type Shelf, type Workshop, type WorkshopOptions } from './workshop.ts';
