import { isHeraklitError, type Log, silentLog } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { FleetWorkload } from '../../recipe/index.ts';
import { type RollOutRequest, rollOut, type StepAnalysis } from '../../rollout/index.ts';
import type { HealthCheck, RolloutOutcome, WorkloadRuntime } from '../../runtime/index.ts';
import type { RolloutPort } from '../ports.ts';

export interface RolloutSetup {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  /** `host:port` of our registry as the runtimes reach it. */
  readonly registryHost: string;
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline: number;
  readonly health?: HealthCheck;
  /** The only workloads that are touched, in this order; all that run what a release supersedes when undefined. */
  readonly workloads?: readonly FleetWorkload[];
  /** Judges the steps of rollouts. */
  readonly analysis?: StepAnalysis;
  readonly log?: Log;
}

const SECOND = 1_000;

/** Brings released images to the workloads that run what they supersede, on every runtime that is there. */
export function rolloutOf(setup: RolloutSetup): RolloutPort {
  const { database, runtimes, registryHost, deadline, health, workloads, analysis, log = silentLog } = setup;
  const stage = { database, runtimes, ...(analysis === undefined ? {} : { analysis }) };
  return {
    async rollout({ image, repository, tag, descriptor }, signal) {
      const { digest } = descriptor;
      const everywhere: RollOutRequest = {
        image: `${registryHost}/${repository}@${digest}`,
        digest,
        tag,
        deadline,
        ...(health === undefined ? {} : { health }),
      };
      const requests = workloads?.filter((one) => one.image === image).map((one) => requestFor(one, everywhere));
      const outcomes: RolloutOutcome[] = [];
      for (const request of requests ?? [everywhere]) {
        const result = await rollOut({ ...stage, signal }, request).catch((error: unknown) => {
          // One that is not there (yet) is no reason to call the image bad and to hold back its children.
          if (request.workloads === undefined || !isHeraklitError(error, 'ROLLOUT_WORKLOAD_UNKNOWN')) throw error;
          log.warn(`rollout.workloads: ${error.message}: left alone`);
          return { outcomes: [] };
        });
        outcomes.push(...result.outcomes);
        if (outcomes.some(({ kind }) => kind === 'rolledback' || kind === 'overtaken')) break;
      }
      return outcomes;
    },
  };
}

function requestFor(one: FleetWorkload, everywhere: RollOutRequest): RollOutRequest {
  return {
    ...everywhere,
    workloads: [one.workload],
    ...(one.container === undefined ? {} : { container: one.container }),
    ...(one.deadline === undefined ? {} : { deadline: one.deadline * SECOND }),
    ...(one.health === undefined ? {} : { health: one.health }),
  };
}
