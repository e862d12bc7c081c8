import { globMatches } from '../../inventory/index.ts';
import type { FleetZone } from '../../recipe/index.ts';
import type { Workload } from '../../runtime/index.ts';
import type { PlannedStage } from './plan.ts';
import { hostOf, zoneOf } from './zones.ts';

/** Names a workload goes by. */
export const namesOf = ({ id, namespace, name }: Workload): readonly string[] => [id, name, `${namespace}/${name}`];

/** Index of the first stage that takes a workload; undefined when none does. */
export function stageOf(
  workload: Workload,
  stages: readonly PlannedStage[],
  zones: readonly FleetZone[],
): number | undefined {
  const host = hostOf(workload);
  const zone = zoneOf(workload, zones)?.name ?? '';
  const among = (globs: readonly string[] | undefined, names: readonly string[]): boolean =>
    globs === undefined || globs.some((glob) => names.some((name) => globMatches(glob, name)));
  const index = stages.findIndex(
    (stage) =>
      (stage.zone === undefined || stage.zone === zone) &&
      among(stage.clusters, [host]) &&
      among(stage.namespaces, [workload.namespace]) &&
      among(stage.workloads, namesOf(workload)),
  );
  return index < 0 ? undefined : index;
}
