import type { Decision, DecisionContext, FleetState } from '../plan/index.ts';

/** What the choice needs to know of a recipe. */
export interface RecipeFacts {
  /** It adds files and configuration to a base, no packages and no accounts. */
  readonly filesOnly: boolean;
}

/**
 * The cheapest strategy that is safe, as far as it can be told before building; `build` falls back to the next one
 * when the cheap one refuses (docs/decisions/0003-strategy.md).
 */
export function chooseStrategy(image: FleetState, context: DecisionContext, recipe: RecipeFacts | undefined): Decision {
  if (image.recipe === 'none') {
    return { strategy: 'patch', because: 'it has no recipe: one layer over the original brings it up to date' };
  }
  if (image.recipe !== 'compose') {
    const because = `it has a ${image.recipe} recipe, which needs an outside builder; one layer over the image is faster`;
    return { strategy: 'patch', because };
  }
  if (image.digest === undefined)
    return { strategy: 'compose', because: 'there is nothing yet that could be moved or patched' };
  if (context.reason === 'source change')
    return { strategy: 'compose', because: 'layers of packages that did not change are shared' };
  if (image.base !== undefined && image.baseDigest !== undefined && recipe?.filesOnly === true) {
    return { strategy: 'rebase', because: 'it only adds files: its layers move to the new base, nothing runs' };
  }
  const count = image.missing.length;
  const why = count === 0 ? 'its base changes' : `${count} of its packages have updates`;
  return { strategy: 'compose', because: `${why}; package layers that did not change are shared` };
}
