import type { GradePolicy } from '../../inventory/index.ts';

/** How a team grades: its fleet's policy, and what differs for a workload. */
export interface Grading {
  readonly policy: GradePolicy;
  /** @param workload `podman:web`, `kubernetes:context/namespace/Deployment/web` */
  readonly ofWorkload: (workload: string) => GradePolicy;
}
