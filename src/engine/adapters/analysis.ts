import type { AnalysisSettings } from '../../analysis/index.ts';
import type { FleetRollout } from '../../recipe/index.ts';
import type { AnalysedSlot } from '../../rollout/index.ts';

/** What a fleet measures of a workload: its own analysis, or that of all. */
export function analysisFor(
  rollout: FleetRollout = {},
): ((slot: Pick<AnalysedSlot, 'workload' | 'container'>) => AnalysisSettings | undefined) | undefined {
  const { analysis, workloads = [] } = rollout;
  const own = workloads.filter((one) => one.analysis !== undefined);
  if (analysis === undefined && own.length === 0) return undefined;
  return ({ workload, container }) =>
    own.find((one) => one.workload === workload.id && (one.container ?? container) === container)?.analysis ?? analysis;
}
