import type { DatabaseQueriesOptions } from '../http/index.ts';
import { type GradePolicy, gradePolicyOf } from '../inventory/index.ts';
import type { Fleet } from '../recipe/index.ts';

/** How the fleet file grades; without one, by the thresholds that ship. */
export function gradingOf(document: Fleet | undefined): NonNullable<DatabaseQueriesOptions['grading']> {
  const policy = gradePolicyOf(document?.policy);
  const own = new Map<string, GradePolicy>(
    (document?.rollout?.workloads ?? []).flatMap(({ workload, grades }) =>
      grades === undefined ? [] : [[workload, gradePolicyOf({ grades }, policy)]],
    ),
  );
  return { policy, ofWorkload: (workload) => own.get(workload) ?? policy };
}
