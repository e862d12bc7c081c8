import type { Database } from '../../database/index.ts';
import type { EngineRuntime, WorkloadRuntime } from '../../runtime/index.ts';
import type { PipelinePorts } from '../ports.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { buildStage } from './build-stage.ts';
import { inventoryStage } from './inventory-stage.ts';
import type { FleetRecipe } from './open-fleet.ts';
import { rolloutStage } from './rollout-stage.ts';
import { verifyStage } from './verify-stage.ts';

export interface StagesOptions {
  /** A fresh one for every run: it keeps the repositories it opened. */
  readonly workshop: Workshop;
  readonly database: Database;
  readonly recipes: ReadonlyMap<string, FleetRecipe>;
  /** Debian's word: amd64, arm64. */
  readonly architecture: string;
  /** Repositories that count: default release, updates, security. */
  readonly pockets?: readonly string[];
  /** `host:port` of our registry as engines reach it; '' when it is not served: nothing is started or rolled out. */
  readonly registryHost: string;
  /** Starts candidates to verify them. */
  readonly verifier?: EngineRuntime;
  /** Where released images are rolled out to; empty: nowhere. */
  readonly runtimes: readonly WorkloadRuntime[];
}

/** The real stages behind the pipeline's ports. */
export function createStages(options: StagesOptions): PipelinePorts {
  const { workshop, database, recipes, architecture, registryHost, runtimes } = options;
  const pockets = options.pockets === undefined ? {} : { pockets: options.pockets };
  const runtime = options.verifier === undefined ? {} : { runtime: options.verifier };
  const distributions = new Set([...recipes.values()].flatMap(({ recipe }) => recipe.distribution ?? []));
  return {
    feed: {
      async refresh(signal) {
        for (const distribution of distributions) {
          signal.throwIfAborted();
          await workshop.shelf(distribution, architecture, options.pockets);
        }
      },
    },
    inventory: inventoryStage({ workshop, database, ...pockets }),
    build: buildStage({ workshop, recipes, architecture, ...pockets }),
    verify: verifyStage({ workshop, recipes, registryHost, ...runtime }),
    ...(runtimes.length === 0 || registryHost === ''
      ? {}
      : { rollout: rolloutStage({ database, runtimes, registryHost }) }),
  };
}
