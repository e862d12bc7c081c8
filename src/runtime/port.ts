import type { Digest } from '../oci/index.ts';

/** A running thing that uses an image. */
export interface Workload {
  /** `kubernetes:<context>/<namespace>/<kind>/<name>` or `podman:<name>`. */
  readonly id: string;
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob' | 'container';
  readonly name: string;
  readonly namespace: string;
  /** Image reference as configured. */
  readonly image: string;
  readonly digest: Digest | undefined;
}

export interface RolloutRequest {
  readonly workload: Workload;
  /** Container name inside the workload; the only one when undefined. */
  readonly container?: string;
  /** Pullable reference with digest: `host:port/repo@sha256:…`. */
  readonly image: string;
  readonly digest: Digest;
  /** Milliseconds until an unhealthy rollout is rolled back. */
  readonly deadline: number;
  readonly health?: HealthCheck;
}

export interface HealthCheck {
  readonly kind: 'http' | 'tcp' | 'running';
  readonly port?: number;
  readonly path?: string;
  /** Consecutive good answers needed. */
  readonly successes?: number;
}

export type RolloutOutcome =
  | {
      readonly kind: 'rolledout';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      readonly milliseconds: number;
    }
  | {
      readonly kind: 'rolledback';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly milliseconds: number;
    }
  | { readonly kind: 'unchanged'; readonly workload: string; readonly to: string };

/** Podman, Docker and Kubernetes behind one interface. One contract suite serves all. */
export interface WorkloadRuntime {
  readonly name: string;
  /** Undefined when usable; otherwise why not, in one line. */
  unavailable(): Promise<string | undefined>;
  list(): Promise<readonly Workload[]>;
  /** Replaces the image and waits until healthy, or puts the old one back. Idempotent: same digest → `unchanged`. */
  rollout(request: RolloutRequest, signal?: AbortSignal): Promise<RolloutOutcome>;
}
