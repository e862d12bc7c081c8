import type { Decision, DecisionContext, FleetState, Strategy } from '../plan/index.ts';

/** What the choice needs to know of a recipe. */
export interface RecipeFacts {
  /** It adds files and configuration to a base, no packages and no accounts. */
  readonly filesOnly: boolean;
}

/** Strategies that the fleet's policy allows; undefined: all. */
export type AllowedStrategies = readonly Strategy[] | undefined;

export const isAllowed = (strategy: Strategy, allowed: AllowedStrategies): boolean =>
  allowed === undefined || allowed.includes(strategy);

/**
 * The cheapest strategy that is safe and allowed, as far as it can be told before building; `build` falls back to the
 * next one when the cheap one refuses (docs/decisions/0004-strategy.md). The reason names those that the policy excludes.
 */
export function chooseStrategy(
  image: FleetState,
  context: DecisionContext,
  recipe: RecipeFacts | undefined,
  allowed?: AllowedStrategies,
): Decision {
  const fitting = fittingStrategies(image, context, recipe);
  const excluded = fitting.filter(({ strategy }) => !isAllowed(strategy, allowed)).map(({ strategy }) => strategy);
  const chosen = fitting.find(({ strategy }) => isAllowed(strategy, allowed));
  if (chosen === undefined) {
    const because = `only ${excluded.join(' or ')} could make it, and policy.strategies allows ${allowed?.join(', ')}`;
    return { strategy: 'none', because, excluded: true };
  }
  const cheaper = excluded.filter((strategy) => strategy !== chosen.strategy && isBefore(strategy, chosen, fitting));
  if (cheaper.length === 0) return chosen;
  return { ...chosen, because: `${chosen.because}; ${cheaper.join(' and ')} is excluded by policy.strategies` };
}

const isBefore = (strategy: Strategy, chosen: Decision, fitting: readonly Decision[]): boolean =>
  fitting.findIndex((one) => one.strategy === strategy) < fitting.indexOf(chosen);

/** Every strategy that can make the image, cheapest first. */
function fittingStrategies(
  image: FleetState,
  context: DecisionContext,
  recipe: RecipeFacts | undefined,
): readonly Decision[] {
  if (image.recipe === 'none') {
    return [{ strategy: 'patch', because: 'it has no recipe: one layer over the original brings it up to date' }];
  }
  if (image.recipe !== 'compose') {
    const because = `it has a ${image.recipe} recipe, which needs an outside builder; one layer over the image is faster`;
    return [{ strategy: 'patch', because }];
  }
  if (image.digest === undefined) {
    return [{ strategy: 'compose', because: 'there is nothing yet that could be moved or patched' }];
  }
  if (context.reason === 'source change') {
    return [{ strategy: 'compose', because: 'layers of packages that did not change are shared' }];
  }
  const count = image.missing.length;
  const why = count === 0 ? 'its base changes' : `${count} of its packages have updates`;
  const compose: Decision = {
    strategy: 'compose',
    because: `${why}; package layers that did not change are shared`,
  };
  if (image.base === undefined || image.baseDigest === undefined || recipe?.filesOnly !== true) return [compose];
  return [
    { strategy: 'rebase', because: 'it only adds files: its layers move to the new base, nothing runs' },
    compose,
  ];
}
