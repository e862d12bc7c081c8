import type { Database } from '../../database/index.ts';
import { rollOut } from '../../rollout/index.ts';
import type { WorkloadRuntime } from '../../runtime/index.ts';
import type { RolloutPort } from '../ports.ts';

export interface RolloutStageOptions {
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  /** `host:port` that the runtimes pull from. */
  readonly registryHost: string;
  /** Milliseconds without progress until a workload is rolled back. */
  readonly deadline?: number;
}

const DEADLINE_MS = 120_000;

/** Brings a released image to every workload that runs what it supersedes. */
export function rolloutStage({ database, runtimes, registryHost, deadline }: RolloutStageOptions): RolloutPort {
  return {
    async rollout({ repository, tag, descriptor }, signal) {
      const { digest } = descriptor;
      const image = `${registryHost}/${repository}@${digest}`;
      const request = { image, digest, tag, deadline: deadline ?? DEADLINE_MS };
      return (await rollOut({ database, runtimes, signal }, request)).outcomes;
    },
  };
}
