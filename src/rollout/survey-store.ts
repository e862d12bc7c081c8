import type { Clock } from '../base/index.ts';
import type { DatabaseTransaction } from '../database/index.ts';
import { recordWorkloads } from '../inventory/store/index.ts';
import type { Workload, WorkloadRuntime } from '../runtime/index.ts';

/** What a runtime lists now takes the place of what it listed before; what a watch over it told besides stays. */
export async function recordSurvey(
  trx: DatabaseTransaction,
  runtime: WorkloadRuntime,
  workloads: readonly Workload[],
  clock: Clock,
): Promise<void> {
  const scope = { runtime: runtime.name, allRoles: false, ...(await runtime.scope?.()) };
  await recordWorkloads(trx, scope, workloads, new Date(clock.now()));
}
