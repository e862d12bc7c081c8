import type { Decide } from '../../plan/index.ts';
import type { FleetRecipe } from './open-fleet.ts';

/** The cheapest strategy that can be right for an image, before anything is read; the builder may still refuse it. */
export function chooseFor(recipes: ReadonlyMap<string, FleetRecipe>): Decide {
  return (image, { reason, baseChanges }) => {
    const recipe = recipes.get(image.name)?.recipe;
    if (recipe === undefined) return { strategy: 'patch', because: 'it has no recipe here' };
    const addsPackages = (recipe.packages ?? []).length > 0;
    if (addsPackages) return { strategy: 'compose', because: 'its recipe names packages' };
    const moved = baseChanges || image.missing.length > 0;
    if (image.digest !== undefined && image.base !== undefined && moved && reason !== 'source change') {
      return { strategy: 'rebase', because: 'its recipe only adds files, so only the layers of its base are swapped' };
    }
    return { strategy: 'compose', because: 'it has a recipe' };
  };
}
