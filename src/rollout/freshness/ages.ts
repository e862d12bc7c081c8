import type { RunningCopy, Workload } from '../../runtime/index.ts';

export const DAY = 86_400_000;

/** How old the copies of a workload may grow. */
export interface AgePromises {
  /** Days; nothing is promised when undefined. */
  readonly maxAge?: number;
  /** By workload id; 0 promises nothing. */
  readonly own: ReadonlyMap<string, number>;
  /** The only workloads there are promises for; all when undefined. */
  readonly only?: ReadonlySet<string>;
}

/** How old a workload is. */
export interface WorkloadAge {
  readonly workload: Workload;
  readonly copies: number;
  /** Undefined while nothing runs. */
  readonly oldest: { readonly name: string; readonly created: Date } | undefined;
  /** Milliseconds; below 0 never, whatever the clocks say. */
  readonly age: number;
  /** Days. */
  readonly maxAge: number | undefined;
  readonly state: 'within' | 'over' | 'unpromised';
}

/** What the cluster itself is made of: restarted only where a workload is named. */
const SYSTEM = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

function promiseFor({ id, namespace }: Workload, { maxAge, own, only }: AgePromises): number | undefined {
  const named = own.get(id);
  if (named !== undefined) return named === 0 ? undefined : named;
  if (only !== undefined) return only.has(id) ? maxAge : undefined;
  return SYSTEM.has(namespace) ? undefined : maxAge;
}

/**
 * Workloads that run, the oldest first.
 * @param now milliseconds since the epoch
 */
export function agesOf(
  workloads: readonly Workload[],
  copies: readonly RunningCopy[],
  promises: AgePromises,
  now: number,
): readonly WorkloadAge[] {
  const running = Map.groupBy(copies, ({ workload }) => workload);
  return workloads
    .map((workload): WorkloadAge => {
      const own = running.get(workload.id) ?? [];
      const oldest = own.toSorted((a, b) => a.created.getTime() - b.created.getTime() || (a.name < b.name ? -1 : 1))[0];
      const age = oldest === undefined ? 0 : Math.max(0, now - oldest.created.getTime());
      const maxAge = promiseFor(workload, promises);
      const state = maxAge === undefined ? 'unpromised' : age > maxAge * DAY ? 'over' : 'within';
      const at = oldest === undefined ? undefined : { name: oldest.name, created: oldest.created };
      return { workload, copies: own.length, oldest: at, age, maxAge, state };
    })
    .toSorted((a, b) => b.age - a.age || (a.workload.id < b.workload.id ? -1 : 1));
}

/**
 * Milliseconds before a promise ends that its time has come. A promise shorter than the time between two looks cannot be
 * kept by looking: half of it is then the measure.
 */
export const marginOf = (maxAge: number, lead: number): number => Math.min(lead, (maxAge * DAY) / 2);

/**
 * What has to be renewed so that nothing is over its promise when it is looked at next, the most urgent first.
 * @param leadOf milliseconds until the next look at a workload
 */
export function dueOf(ages: readonly WorkloadAge[], leadOf: (workload: Workload) => number): readonly WorkloadAge[] {
  const left = ({ age, maxAge = 0 }: WorkloadAge): number => maxAge * DAY - age;
  return ages
    .filter((one) => one.maxAge !== undefined && one.oldest !== undefined)
    .filter((one) => left(one) <= marginOf(one.maxAge as number, leadOf(one.workload)))
    .toSorted((a, b) => left(a) - left(b));
}
