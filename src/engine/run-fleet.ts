import type { Log } from '../base/index.ts';
import { type AllowedStrategies, chooseStrategy } from '../build/index.ts';
import type { Database } from '../database/index.ts';
import type { Place } from '../publish/index.ts';
import { createSqlCatalogue, type RegistryCatalogue } from '../registry/index.ts';
import { buildOf } from './adapters/build.ts';
import { feedOf } from './adapters/feed.ts';
import { inventoryOf } from './adapters/inventory.ts';
import { type LoadedFleet, recipeFacts } from './adapters/load-fleet.ts';
import { pushesOf } from './adapters/push.ts';
import { type SigningSetup, type SigningTools, signingOf } from './adapters/signing.ts';
import { checksByImage } from './adapters/verify.ts';
import type { PipelineOptions } from './pipeline.ts';
import type { RolloutPort, VerifyPort } from './ports.ts';
import type { Workshop } from './workshop/workshop.ts';

/** A fleet, the home it lives in, and what tests and runs its images. */
export interface FleetSetup {
  readonly fleet: LoadedFleet;
  readonly workshop: Workshop;
  readonly database: Database;
  /** Debian's word: amd64, arm64, … */
  readonly architecture: string;
  /** `host:port` of our registry as workloads reach it; '' when it is not served. */
  readonly registryHost: string;
  readonly verify: VerifyPort;
  readonly rollout?: RolloutPort;
  /** Undefined: nothing is signed. */
  readonly signing?: SigningSetup;
  readonly retryFailed?: boolean;
  /** An earlier name of the fleet. */
  readonly takeOver?: string;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

/** Name under which the inventory knows an image of the fleet: the same whichever address the registry has today. */
const referenceOf = ({ repository, tag }: Place): string => `${repository}:${tag}`;

/** Everything `runPipeline` and `planPipeline` need, over the real stages. */
export async function pipelineOptions(setup: FleetSetup): Promise<PipelineOptions> {
  const { fleet, workshop, database, architecture, registryHost } = setup;
  const catalogue = createSqlCatalogue(database);
  const { own: strategies, policy } = strategiesOf(fleet);
  return {
    fleet: fleet.fleet,
    database,
    blobs: await workshop.store(),
    catalogue,
    ports: {
      feed: feedOf(fleet, architecture, workshop),
      inventory: inventoryOf(database, workshop, referenceOf),
      build: buildOf(fleet, architecture, workshop),
      verify: setup.verify,
      ...(setup.rollout === undefined ? {} : { rollout: setup.rollout }),
      ...(setup.signing === undefined ? {} : { signing: signingOf(setup.signing, signingTools(setup, catalogue)) }),
      pushes: pushesOf(fleet.document.registry, workshop, catalogue),
    },
    decide: (image, context) => {
      const recipe = fleet.recipes.get(image.name)?.document;
      const facts = recipe === undefined ? undefined : recipeFacts(recipe);
      return chooseStrategy(image, context, facts, strategies.get(image.name) ?? policy);
    },
    registryHost,
    securityOnly: fleet.document.policy?.securityOnly ?? false,
    ...(setup.retryFailed === undefined ? {} : { retryFailed: setup.retryFailed }),
    ...(setup.takeOver === undefined ? {} : { takeOver: setup.takeOver }),
    ...(setup.log === undefined ? {} : { log: setup.log }),
    ...(setup.signal === undefined ? {} : { signal: setup.signal }),
  };
}

function signingTools({ fleet, workshop, registryHost }: FleetSetup, catalogue: RegistryCatalogue): SigningTools {
  const checks = checksByImage(fleet);
  return {
    workshop,
    catalogue,
    fleet: fleet.fleet.name,
    registryHost,
    checksOf: (image) => checks.get(image) ?? fleet.document.verify,
  };
}

/** What images say for themselves, and the policy's word for the others. */
function strategiesOf({ document, names }: LoadedFleet): {
  readonly own: ReadonlyMap<string, AllowedStrategies>;
  readonly policy: AllowedStrategies | undefined;
} {
  const own = document.images.flatMap(({ strategies }, at): readonly (readonly [string, AllowedStrategies])[] => {
    const name = names[at];
    if (strategies === undefined || name === undefined) return [];
    return [[name, { strategies, setting: 'its own strategies', ordered: true }]];
  });
  const strategies = document.policy?.strategies;
  const policy = strategies && ({ strategies, setting: 'policy.strategies', ordered: false } as const);
  return { own: new Map(own), policy };
}
