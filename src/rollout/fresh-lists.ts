import type { Workload, WorkloadRuntime } from '../runtime/index.ts';

/** What a runtime has, as of now or later; undefined where it does not say. */
export type FreshList = (runtime: WorkloadRuntime) => Promise<readonly Workload[] | undefined>;

/**
 * Lists that begin after they were asked for, one at a time, shared by all who ask before they begin: a hundred rollouts that
 * end at once would otherwise read a cluster of thousands a hundred times beside each other.
 */
export function freshLists(): FreshList {
  const last = new Map<WorkloadRuntime, Promise<unknown>>();
  const next = new Map<WorkloadRuntime, Promise<readonly Workload[] | undefined>>();
  return (runtime) => {
    const asked = next.get(runtime);
    if (asked !== undefined) return asked;
    const list = Promise.resolve(last.get(runtime)).then(async () => {
      next.delete(runtime);
      return await runtime.list().catch(() => undefined);
    });
    next.set(runtime, list);
    last.set(runtime, list);
    return list;
  };
}
