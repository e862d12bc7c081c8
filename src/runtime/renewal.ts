/** A copy of a workload that runs. */
export interface RunningCopy {
  /** `Workload.id` */
  readonly workload: string;
  /** Of the pod or container. */
  readonly name: string;
  /** When it was made; a restart inside of it makes it no younger. */
  readonly created: Date;
}

export interface RenewalRequest {
  readonly workload: { readonly id: string; readonly kind: string; readonly namespace: string; readonly name: string };
  /** Copies made before then are replaced. */
  readonly before: Date;
  /** Milliseconds without progress until it is taken back. */
  readonly deadline: number;
}

export type RenewalOutcome =
  | { readonly kind: 'renewed'; readonly workload: string; readonly milliseconds: number }
  /** Nothing is that old. */
  | { readonly kind: 'unchanged'; readonly workload: string }
  /** New copies of the same image did not become healthy; the old ones still serve. */
  | { readonly kind: 'failed'; readonly workload: string; readonly reason: string; readonly milliseconds: number }
  /** Not to be done by us, or not now. */
  | { readonly kind: 'refused'; readonly workload: string; readonly reason: string };

/** Replaces copies that grew old by new ones of the same image. */
export interface WorkloadRenewer {
  copies(): Promise<readonly RunningCopy[]>;
  /**
   * By the platform's own rollout: in its steps, within its limits. Called again after a crash it goes on; called again
   * after success it finds nothing that old.
   */
  renew(request: RenewalRequest, signal?: AbortSignal): Promise<RenewalOutcome>;
}
