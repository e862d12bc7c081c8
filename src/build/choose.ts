import type { Alternative, Decision, DecisionContext, FleetState, Strategy } from '../plan/index.ts';

/** What the choice needs to know of a recipe. */
export interface RecipeFacts {
  /** It adds files and configuration to a base, no packages and no accounts. */
  readonly filesOnly: boolean;
}

/** What the fleet file says of strategies; an image's own word stands before the policy's. */
export interface AllowedStrategies {
  readonly strategies: readonly Strategy[];
  /** The setting, for messages. */
  readonly setting: 'policy.strategies' | 'its own strategies';
  /** True: tried in the order of the list, not by what they cost. */
  readonly ordered: boolean;
}

/** Whether a strategy can make the image, as far as that can be told before building, and why or why not. */
interface Verdict {
  readonly strategy: Strategy;
  readonly fits: boolean;
  readonly because: string;
}

const fits = (strategy: Strategy, because: string): Verdict => ({ strategy, fits: true, because });
const unfit = (strategy: Strategy, because: string): Verdict => ({ strategy, fits: false, because });

/**
 * The cheapest strategy that is safe and allowed, as far as it can be told before building, and a word on each of the
 * others: what comes next when this one refuses, what the fleet file excludes, what cannot make the image
 * (docs/decisions/0004-strategy.md). Pure.
 */
export function chooseStrategy(
  image: FleetState,
  context: DecisionContext,
  recipe: RecipeFacts | undefined,
  allowed?: AllowedStrategies,
): Decision {
  const verdicts = inOrder(verdictsOn(image, context, recipe), allowed);
  const fitting = verdicts.filter((verdict) => verdict.fits);
  const isAllowed = ({ strategy }: Verdict): boolean => allowed?.strategies.includes(strategy) ?? true;
  const chosen = fitting.find(isAllowed);
  const alternatives = verdicts
    .filter((one) => one !== chosen)
    .map((one) => alternativeOf(one, isAllowed(one), allowed));
  if (chosen === undefined) {
    const names = fitting.map(({ strategy }) => strategy).join(' or ');
    const because = `only ${names} could make it, and ${allowed?.setting} allows ${allowed?.strategies.join(', ')}`;
    return { strategy: 'none', because, excluded: true, alternatives };
  }
  const { strategy, because } = chosen;
  const cheaper = fitting.slice(0, fitting.indexOf(chosen)).map((one) => one.strategy);
  if (cheaper.length === 0 || allowed === undefined) return { strategy, because, alternatives };
  return {
    strategy,
    because: `${because}; ${cheaper.join(' and ')} is excluded by ${allowed.setting}`,
    alternatives,
  };
}

function alternativeOf(verdict: Verdict, isAllowed: boolean, allowed: AllowedStrategies | undefined): Alternative {
  const { strategy, because } = verdict;
  if (!verdict.fits) return { strategy, verdict: 'unfit', because };
  if (isAllowed) return { strategy, verdict: 'next', because };
  return {
    strategy,
    verdict: 'excluded',
    because: `${allowed?.setting} allows only ${allowed?.strategies.join(', ')}`,
  };
}

/** By what they cost, or in the image's own order with those it does not name at the end. */
function inOrder(verdicts: readonly Verdict[], allowed: AllowedStrategies | undefined): readonly Verdict[] {
  if (allowed?.ordered !== true) return verdicts;
  const rank = ({ strategy }: Verdict): number => {
    const at = allowed.strategies.indexOf(strategy);
    return at < 0 ? allowed.strategies.length : at;
  };
  return verdicts.toSorted((a, b) => rank(a) - rank(b));
}

/** On every strategy, cheapest first. */
function verdictsOn(image: FleetState, context: DecisionContext, recipe: RecipeFacts | undefined): readonly Verdict[] {
  switch (image.recipe) {
    case 'none':
      return [
        unfit('compose', 'it has no recipe'),
        unfit('rebase', 'others build it: which of its layers are its own is not known'),
        fits('patch', 'it has no recipe: one layer over the original brings it up to date'),
        unfit('rebuild', 'it has no recipe'),
      ];
    case 'compose':
      return composed(image, context, recipe);
    default:
      return described(image, context, image.recipe === 'kiwi' ? 'KIWI description' : 'Dockerfile');
  }
}

function composed(image: FleetState, { reason }: DecisionContext, recipe: RecipeFacts | undefined): readonly Verdict[] {
  const rebuild = unfit('rebuild', 'its recipe lists packages: composing needs no builder');
  if (image.digest === undefined) {
    return [
      fits('compose', 'there is nothing yet that could be moved or patched'),
      unfit('rebase', 'there is nothing yet that could be moved'),
      unfit('patch', 'there is nothing yet that could be patched'),
      rebuild,
    ];
  }
  if (reason === 'source change') {
    return [
      fits('compose', 'layers of packages that did not change are shared'),
      unfit('rebase', 'its recipe changed: its own layers are what is to be made'),
      unfit('patch', 'its recipe changed: a patch knows only of packages'),
      rebuild,
    ];
  }
  const count = image.missing.length;
  const why = count === 0 ? 'its base changes' : `${count} of its packages have updates`;
  return [
    composedRebase(image, recipe),
    fits('compose', `${why}; package layers that did not change are shared`),
    unfit('patch', 'composing brings the same packages, keeps to the recipe, and shares their layers'),
    rebuild,
  ];
}

function composedRebase(image: FleetState, recipe: RecipeFacts | undefined): Verdict {
  if (image.base === undefined) return unfit('rebase', 'it stands on no image of this fleet');
  if (image.baseDigest === undefined) return unfit('rebase', 'the base it was built on is not known');
  if (recipe?.filesOnly !== true) {
    return unfit('rebase', 'it adds packages or accounts: composing shares their layers and merges nothing');
  }
  return fits('rebase', 'it only adds files: its layers move to the new base, nothing runs');
}

function described(image: FleetState, context: DecisionContext, what: string): readonly Verdict[] {
  const compose = unfit('compose', `it is made from a ${what}, not from a list of packages`);
  if (image.digest === undefined || context.reason === 'source change') {
    const fresh = image.digest === undefined;
    const why = fresh ? 'it was never built' : `its ${what} or what that copies changed`;
    return [
      compose,
      unfit('rebase', fresh ? 'there is nothing yet that could be moved' : why),
      unfit('patch', fresh ? 'there is nothing yet that could be patched' : why),
      fits('rebuild', `${why}: only its ${what} makes it`),
    ];
  }
  const count = image.missing.length;
  const patch =
    count === 0
      ? unfit('patch', 'it misses no update itself')
      : fits('patch', `${count} of its packages have updates: one layer over it brings them, its ${what} need not run`);
  return [
    compose,
    describedRebase(image, context),
    patch,
    fits('rebuild', `its ${what} makes it anew, from locked sources and without network`),
  ];
}

function describedRebase(image: FleetState, { baseMoved }: DecisionContext): Verdict {
  if (image.base === undefined) return unfit('rebase', 'it stands on no image of this fleet');
  if (image.baseDigest === undefined) return unfit('rebase', 'the base it was built on is not known');
  if (!baseMoved) return unfit('rebase', `its base ${image.base} is the one it was built on`);
  return fits('rebase', `its base ${image.base} changes: its own layers move to the new one, nothing runs`);
}
