import type { Digest } from '../../../oci/index.ts';

/** How many copies of a container run one image. */
export interface RunningImage {
  /** As the runtime on the node names it: of a manifest, of an index, or of an image's configuration. */
  readonly digest: Digest;
  readonly replicas: number;
}

export interface ObservedContainer {
  readonly name: string;
  /** `injected`: pods have it, the workload's template has not (a side-car that admission added). */
  readonly role: 'container' | 'init' | 'ephemeral' | 'injected';
  /** Reference as configured. */
  readonly image: string;
  /** Pullable digest: as configured, else what all copies were pulled by. */
  readonly digest: Digest | undefined;
  /** What copies run where that is not just `digest`: they disagree, or run something else than is configured. */
  readonly running: readonly RunningImage[];
}

/** Whatever holds pods, or a pod that nothing holds. */
export interface ObservedWorkload {
  /** `kubernetes:CLUSTER/NAMESPACE/KIND/NAME` */
  readonly id: string;
  /** `Deployment`, `CronJob`, `Pod`, …: also kinds that heraklit does not know, as owner references name them. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Wanted copies; of unknown kinds those there are; 0 for a CronJob. */
  readonly replicas: number;
  /** Copies whose pods are ready. */
  readonly ready: number;
  readonly containers: readonly ObservedContainer[];
}

/** What changed since the last one. */
export interface WorkloadChanges {
  /** True for the first of a watch: `changed` is all there is. */
  readonly whole: boolean;
  readonly changed: readonly ObservedWorkload[];
  /** Ids. */
  readonly gone: readonly string[];
}
