export { type BuildRecipeOptions, type BuiltRecipe, buildRecipe } from './workshop/build-recipe.ts';
export { workshopError, workshopErrors } from './workshop/errors.ts';
export { type PatchFilter, type PatchOutcome, patchImage } from './workshop/patch-image.ts';
export { type RebaseImages, rebaseImage } from './workshop/rebase-image.ts';
export { resolvedFrom, storeOver } from './workshop/resolved.ts';
export { openWorkshop, type Shelf, type Workshop, type WorkshopOptions } from './workshop/workshop.ts';
