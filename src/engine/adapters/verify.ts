import type { VerifyChecks } from '../../recipe/index.ts';
import type { EngineRuntime } from '../../runtime/index.ts';
import { verifiedEvent, verifyImage } from '../../verify/index.ts';
import type { VerifyPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { LoadedFleet } from './load-fleet.ts';

export interface VerifySetup {
  readonly fleet: LoadedFleet;
  readonly workshop: Workshop;
  /** `host:port` of our registry as the engine reaches it. */
  readonly registryHost: string;
  /** Starts candidates; without one they are checked by what their layers say. */
  readonly runtime?: EngineRuntime;
  /** Milliseconds a service must stay up. */
  readonly stayUp?: number;
}

/** Tests candidates by their layers and, where an engine is given, by starting them. */
export function verifyOf({ fleet, workshop, registryHost, runtime, stayUp }: VerifySetup): VerifyPort {
  const checks = checksByImage(fleet);
  return {
    async verify({ image, repository, descriptor }, signal) {
      const stored = await openStored(await workshop.store(), descriptor.digest);
      const wanted = checks.get(image) ?? fleet.document.verify;
      const result = await verifyImage(
        {
          image: stored,
          ...(registryHost === '' ? {} : { reference: `${registryHost}/${repository}@${stored.digest}` }),
        },
        {
          facts: workshop.layerFacts,
          layerCache: workshop.layerCache,
          signal,
          ...(runtime === undefined ? {} : { runtime }),
          ...(wanted === undefined ? {} : { checks: wanted }),
          ...(stayUp === undefined ? {} : { stayUp }),
        },
      );
      const event = verifiedEvent(image, result);
      if (result.passed) return { kind: 'passed', checks: result.steps.map((step) => step.name), event };
      const failed = result.steps.filter((step) => !step.passed);
      return { kind: 'rejected', reason: failed.map((step) => `${step.name}: ${step.detail}`).join('; '), event };
    },
  };
}

/** Checks that images name for themselves, by image name. */
export function checksByImage(fleet: LoadedFleet): ReadonlyMap<string, VerifyChecks> {
  const checks = new Map<string, VerifyChecks>();
  for (const [at, entry] of fleet.document.images.entries()) {
    const name = entry.name ?? fleet.names[at];
    if (entry.verify !== undefined && name !== undefined) checks.set(name, entry.verify);
  }
  return checks;
}
