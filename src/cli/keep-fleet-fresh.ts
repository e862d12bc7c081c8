import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { Fleet } from '../recipe/index.ts';
import type { AgePromises } from '../rollout/index.ts';
import type { WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';

const SECOND = 1_000;
const DEFAULT_DEADLINE = 300;

/** What a fleet promises about the age of what runs; undefined where it promises nothing. */
export function agePromises({ rollout = {} }: Pick<Fleet, 'rollout'>): AgePromises | undefined {
  const { maxAge, workloads } = rollout;
  const own = new Map(
    (workloads ?? []).flatMap((one) => (one.maxAge === undefined ? [] : [[one.workload, one.maxAge]])),
  );
  if (maxAge === undefined && own.size === 0) return undefined;
  return {
    own,
    ...(maxAge === undefined ? {} : { maxAge }),
    // A list of workloads names all that are touched.
    ...(workloads === undefined ? {} : { only: new Set(workloads.map((one) => one.workload)) }),
  };
}

export interface KeepFreshOptions {
  readonly document: Pick<Fleet, 'rollout'>;
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  readonly promises: AgePromises;
  /** Milliseconds until the next look. */
  readonly lead: number;
}

/** Renews what is about to be older than promised; a newer image that was released takes its place. */
export async function keepOnceFresh(options: KeepFreshOptions, context: CliContext) {
  const { keepFresh, rollOut } = await import('../rollout/index.ts');
  const { database, runtimes, document, promises, lead } = options;
  const { log, signal } = context;
  const deadline = (document.rollout?.deadline ?? DEFAULT_DEADLINE) * SECOND;
  return await keepFresh({
    ...{ database, runtimes, promises, lead, deadline, log, signal },
    rollOut: async ({ image, digest, workload, container }) => {
      const request = { image, digest, workloads: [workload], container, deadline };
      return (await rollOut({ database, runtimes, signal }, request)).outcomes;
    },
  });
}

/** One look at the ages of what a fleet rolls out to, where it promises something. */
export async function keepFleetFresh(
  fleet: LoadedFleet,
  stage: Pick<KeepFreshOptions, 'database' | 'runtimes' | 'lead'>,
  context: CliContext,
): Promise<void> {
  const promises = agePromises(fleet.document);
  if (promises === undefined || stage.runtimes.length === 0) return;
  await keepOnceFresh({ ...stage, document: fleet.document, promises }, context);
}
