export type { Recipe, RecipeFile, RecipeRuntime, RecipeUser } from './types.ts';
