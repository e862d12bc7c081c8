import type { EngineRuntime } from '../../runtime/index.ts';
import { verifiedEvent, verifyImage } from '../../verify/index.ts';
import type { VerifyPort } from '../ports.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { FleetRecipe } from './open-fleet.ts';
import { storedImage } from './stored-image.ts';

export interface VerifyStageOptions {
  readonly workshop: Workshop;
  readonly recipes: ReadonlyMap<string, FleetRecipe>;
  /** Starts candidates; without it only what their layers say is checked. */
  readonly runtime?: EngineRuntime;
  /** `host:port` that the runtime pulls from; '' when the registry is not served. */
  readonly registryHost: string;
}

/** Tests a candidate as its layers say, and started where an engine can pull it from our registry. */
export function verifyStage({ workshop, recipes, runtime, registryHost }: VerifyStageOptions): VerifyPort {
  return {
    async verify(candidate, signal) {
      const { repository, descriptor } = candidate;
      const image = await storedImage(await workshop.store(), descriptor.digest);
      const reference = registryHost === '' ? {} : { reference: `${registryHost}/${repository}@${descriptor.digest}` };
      const checks = recipes.get(candidate.image)?.checks;
      const result = await verifyImage(
        { image, ...reference },
        {
          facts: workshop.layerFacts,
          signal,
          ...(runtime === undefined ? {} : { runtime }),
          ...(checks === undefined ? {} : { checks }),
        },
      );
      const event = verifiedEvent(candidate.image, result);
      if (result.passed) return { kind: 'passed', checks: result.steps.map(({ name }) => name), event };
      const failed = result.steps.filter(({ passed }) => !passed);
      return { kind: 'rejected', reason: failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '), event };
    },
  };
}
