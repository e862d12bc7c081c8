import type { Digest } from '../oci/index.ts';

/** How a patched image is made; `none`: there is nothing to make. Cheapest safe one wins. */
export type Strategy = 'compose' | 'rebase' | 'patch' | 'rebuild' | 'none';

/** How an image can be made again; `none`: an upstream image without a recipe. */
export type RecipeKind = 'compose' | 'dockerfile' | 'kiwi' | 'none';

/** An update that an image misses: what planning needs of a finding. */
export interface MissingUpdate {
  readonly package: string;
  readonly architecture: string;
  readonly installed: string;
  readonly candidate: string;
  readonly security: boolean;
  readonly advisories: readonly string[];
}

/** One image of the fleet as it stands now. */
export interface FleetState {
  /** Unique in the fleet. */
  readonly name: string;
  /** Name of the fleet's image it stands on; undefined when its base is not ours, or there is none. */
  readonly base: string | undefined;
  readonly recipe: RecipeKind;
  /** Digest of recipe and files it names, as they are now; undefined without a recipe. */
  readonly recipeDigest: string | undefined;
  /** `recipeDigest` of the released image; undefined when never released. */
  readonly builtFrom: string | undefined;
  /** How the recipe's source differs from what it was built from, in words. */
  readonly sourceMoved?: string;
  /** The released image; undefined when never built. */
  readonly digest: Digest | undefined;
  /** Digest its base had when it was built; undefined when unknown. */
  readonly baseDigest: Digest | undefined;
  readonly missing: readonly MissingUpdate[];
  /** The user's word on it: `disabled` and `locked` images are planned but not built. */
  readonly state: 'enabled' | 'disabled' | 'locked';
  /** What came of the last build of exactly this input, where that left the image as it is. */
  readonly tried: 'failed' | 'unchanged' | undefined;
}

/** Why an image must be made again, in the words of the Open Build Service. */
export type TaskReason = 'new build' | 'source change' | 'meta change' | 'retrying bad build';

/** What `decide` is told of an image besides its state. */
export interface DecisionContext {
  readonly reason: TaskReason;
  /** The base is a task of the same plan, so it may change first. */
  readonly baseChanges: boolean;
  /** It changes, or is another one now than the image was built on. */
  readonly baseMoved: boolean;
}

/** A strategy that was not taken, and why. */
export interface Alternative {
  readonly strategy: Strategy;
  /**
   * `next`: tried when those before it refuse. `unfit`: it cannot make the image. `excluded`: the fleet file forbids it.
   * `refused`: it was tried, and could not do so safely.
   */
  readonly verdict: 'next' | 'unfit' | 'excluded' | 'refused';
  /** One sentence for people. */
  readonly because: string;
}

export interface Decision {
  readonly strategy: Strategy;
  /** One sentence for people. */
  readonly because: string;
  /** No strategy that fits is allowed (`strategy` is `none`): the task is planned and not carried out. */
  readonly excluded?: true;
  /** Every other strategy, in the order they would be tried. */
  readonly alternatives?: readonly Alternative[];
}

/** Picks the strategy; passed in, because the strategies stand above the plan. Pure. */
export type Decide = (image: FleetState, context: DecisionContext) => Decision;

/** What keeps an image from being made, as a code with its sentence. */
export interface PlanProblem {
  readonly code: string;
  readonly image: string;
  readonly message: string;
  readonly hint: string;
}

export interface PlanTask {
  readonly image: string;
  /** 0: waits for nothing; else one more than the base's. */
  readonly level: number;
  /** `blocked`: the base is a task too and comes first. */
  readonly status: 'scheduled' | 'blocked' | 'excluded' | 'disabled' | 'locked';
  /** Why it is `excluded`. */
  readonly problem?: PlanProblem;
  readonly reason: TaskReason;
  readonly strategy: Strategy;
  /** Why this task and this strategy; a sentence for people. */
  readonly because: string;
  readonly alternatives: readonly Alternative[];
  /** Names of tasks that come first. */
  readonly after: readonly string[];
  readonly missing: readonly MissingUpdate[];
  /** False when only the base's change makes it a task: an unchanged base ends it. */
  readonly ownNeed: boolean;
}

export interface Plan {
  /** In an order that can be carried out one by one: by level, then name. */
  readonly tasks: readonly PlanTask[];
  /** Names by level; all of a level can be made at once. */
  readonly levels: readonly (readonly string[])[];
}
