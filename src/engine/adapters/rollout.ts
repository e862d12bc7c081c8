import type { Database } from '../../database/index.ts';
import { rollOut } from '../../rollout/index.ts';
import type { HealthCheck, WorkloadRuntime } from '../../runtime/index.ts';
import type { RolloutPort } from '../ports.ts';

export interface RolloutSetup {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  /** `host:port` of our registry as the runtimes reach it. */
  readonly registryHost: string;
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline: number;
  readonly health?: HealthCheck;
}

/** Brings released images to the workloads that run what they supersede, on every runtime that is there. */
export function rolloutOf({ database, runtimes, registryHost, deadline, health }: RolloutSetup): RolloutPort {
  return {
    async rollout({ repository, tag, descriptor }, signal) {
      const result = await rollOut(
        { database, runtimes, signal },
        {
          image: `${registryHost}/${repository}@${descriptor.digest}`,
          digest: descriptor.digest,
          tag,
          deadline,
          ...(health === undefined ? {} : { health }),
        },
      );
      return result.outcomes;
    },
  };
}
