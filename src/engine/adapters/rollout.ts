import { silentLog } from '../../base/index.ts';
import type { Fleet } from '../../recipe/index.ts';
import {
  type CarryContext,
  findOrBegin,
  isRolloutHeld,
  type NewCampaign,
  planOfFleet,
  rollOutPlanned,
  setbackOf,
  takesTime,
} from '../../rollout/index.ts';
import type { CandidateImage, RolloutPort } from '../ports.ts';
import { isEmergency } from './emergency.ts';

export interface RolloutSetup extends Omit<CarryContext, 'signal' | 'attempts'> {
  /** `host:port` of our registry as the runtimes reach it. */
  readonly registryHost: string;
  /** What the fleet file says of rollouts. */
  readonly document: Pick<Fleet, 'rollout' | 'zones'>;
  /** Name of the fleet. */
  readonly fleet?: string;
}

/**
 * Brings released images to the workloads that run what they supersede, on every runtime that is there. What takes time
 * (windows, approvals, pauses) is only begun: the image stays released, and what becomes of it is the rollout's own story.
 */
export function rolloutOf(setup: RolloutSetup): RolloutPort {
  const { registryHost, document, fleet, log = silentLog, ...rest } = setup;
  // Within its run the engine itself takes a release back.
  const { undoRelease, ...context } = rest;
  return {
    async rollout(released, signal) {
      const { image } = released;
      const wanted = await campaignFor(setup, released);
      const later = takesTime(wanted.plan);
      const stage = { ...context, log, signal };
      // A process that died between the rollout and its record: how it ended is known.
      const before = await setbackOf(context.database.kysely, image, released.descriptor.digest);
      if (before !== undefined) return [before];
      if (later) {
        const { id } = await findOrBegin(stage, { ...wanted, carrier: 'loop' }, 'heraklit');
        log.info(`rollout ${id} of ${image} is begun`);
        return [];
      }
      const result = await rollOutPlanned(stage, { ...wanted, carrier: 'run' }, 'heraklit').catch((error: unknown) => {
        // The loop is at it already: what becomes of it is told there.
        if (!isRolloutHeld(error)) throw error;
        log.info(error.message);
        return { outcomes: [] };
      });
      return result.outcomes;
    },
  };
}

async function campaignFor(
  { database, registryHost, document, fleet }: RolloutSetup,
  { image, repository, tag, descriptor, previous, summary }: CandidateImage,
): Promise<Omit<NewCampaign, 'carrier'>> {
  const { digest } = descriptor;
  const anyTime = await isEmergency(database.kysely, document.rollout?.emergency, summary.advisoriesFixed);
  return {
    ...{ cause: 'release', name: image, fleet, repository, tag, digest, previous, anyTime },
    image: `${registryHost}/${repository}@${digest}`,
    plan: planOfFleet(document, image),
  };
}
