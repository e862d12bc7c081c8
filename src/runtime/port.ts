import type { Progress } from '../base/index.ts';
import type { Digest } from '../oci/index.ts';
import type { DebugRequest, DebugStreams } from './debug-request.ts';
import type { MemberObserver } from './members.ts';
import type { WorkloadRenewer } from './renewal.ts';
import type { RolloutBlame, RolloutControl, RolloutStrategy } from './strategy.ts';

/** One container slot of a workload: what it is configured to run and what it runs. */
export interface WorkloadContainer {
  readonly name: string;
  /** Image reference as configured. */
  readonly image: string;
  /** Manifest digest that runs; undefined while unknown (nothing runs yet, or the replicas disagree). */
  readonly digest: Digest | undefined;
}

/** A running thing that uses images. */
export interface Workload {
  /**
   * `kubernetes:<context>/<namespace>/<kind>/<name>`, `podman:<name>`, `docker:<name>`, `podman@<host>:<name>` of a
   * further engine host, `helm:<context>/<namespace>/<release>`, or `gitops:<name>/<path>`.
   */
  readonly id: string;
  readonly kind:
    | 'Deployment'
    | 'StatefulSet'
    | 'DaemonSet'
    | 'CronJob'
    /** Of Argo Rollouts. */
    | 'Rollout'
    /** `Service` of serving.knative.dev. */
    | 'KnativeService'
    /** Of Helm. */
    | 'HelmRelease'
    | 'container'
    | 'file';
  readonly name: string;
  /** Of a cluster; the name of a further engine host; else empty. */
  readonly namespace: string;
  /** Of the first container. */
  readonly image: string;
  /** Of the first container. */
  readonly digest: Digest | undefined;
  /** Never empty; more than one in a pod with side-cars. */
  readonly containers: readonly WorkloadContainer[];
  /** Wanted copies; 0 for a CronJob. */
  readonly replicas: number;
  /** What writes it time and again, so that a change beside it does not last. */
  readonly managedBy?: {
    readonly by: 'helm' | 'flux' | 'argocd' | 'systemd';
    /** Of the workload that stands for it, `helm:…`; else its own name for it. */
    readonly id: string;
  };
}

export interface RolloutRequest {
  readonly workload: Workload;
  /** Container name inside the workload; the first one when undefined. */
  readonly container?: string;
  /** Pullable reference with digest: `host:port/repo@sha256:…`. */
  readonly image: string;
  readonly digest: Digest;
  /** Tag the digest was released under: recorded beside the image, never pulled. */
  readonly tag?: string;
  /** Milliseconds without progress (one more healthy replica) until the rollout is rolled back. */
  readonly deadline: number;
  readonly health?: HealthCheck;
  readonly strategy?: RolloutStrategy;
  readonly control?: RolloutControl;
  readonly progress?: Progress;
}

export interface HealthCheck {
  readonly kind: 'http' | 'tcp' | 'running';
  /** Container port; the workload's own when undefined. */
  readonly port?: number;
  readonly path?: string;
  /** Consecutive good answers needed; 2 when undefined. */
  readonly successes?: number;
}

export type RolloutOutcome =
  | {
      readonly kind: 'rolledout';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      /** True where the old one had to stop before the new one could start (a fixed host port, a fixed address). */
      readonly interrupted: boolean;
      readonly milliseconds: number;
    }
  | {
      readonly kind: 'rolledback';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly blame: RolloutBlame;
      readonly interrupted: boolean;
      readonly milliseconds: number;
    }
  /** Somebody else set another image while this one came up (a person's rollback, another controller): theirs is left. */
  | {
      readonly kind: 'overtaken';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly interrupted: boolean;
      readonly milliseconds: number;
    }
  /** Somebody has to agree elsewhere first (a pull request); nothing is changed yet. Asked again it says how that went. */
  | {
      readonly kind: 'proposed';
      readonly workload: string;
      readonly from: string;
      readonly to: string;
      /** What is waited for, with its URL. */
      readonly reason: string;
      readonly interrupted: boolean;
      readonly milliseconds: number;
    }
  | { readonly kind: 'unchanged'; readonly workload: string; readonly to: string };

/** A part of what is recorded of a runtime: of one cluster among several, of some namespaces and kinds. */
export interface RuntimeScope {
  /** Beginning of ids. */
  readonly prefix: string;
  readonly namespaces?: readonly string[] | undefined;
  readonly kinds: readonly string[];
}

/** Podman, Docker and Kubernetes behind one interface. `test/contract/workload-runtime.ts` serves all. */
export interface WorkloadRuntime {
  readonly name: string;
  /** Undefined when usable; otherwise why not, in one line. */
  unavailable(): Promise<string | undefined>;
  list(): Promise<readonly Workload[]>;
  /** Of which workloads `list` is the whole; of all whose ids begin with the name when absent. */
  scope?(): Promise<RuntimeScope>;
  /**
   * Replaces the image and waits until healthy, or puts the old one back. Idempotent: same digest → `unchanged`; a
   * call that was killed half-way is continued by the next one. A reason that has nothing to do with the image (pull
   * refused, engine gone) before anything was replaced is thrown, not an outcome.
   */
  rollout(request: RolloutRequest, signal?: AbortSignal): Promise<RolloutOutcome>;
  /** Restarts and logs of the copies; undefined where the runtime has none (files). */
  readonly members?: MemberObserver;
  /**
   * A container with tools beside one of a workload, until its command ends; the command's exit code. Undefined where
   * workloads are files.
   */
  debug?(workload: Workload, request: DebugRequest, streams: DebugStreams, signal?: AbortSignal): Promise<number>;
  /** What runs since when, and new copies of the same image; undefined where nothing runs (files). */
  readonly renewal?: WorkloadRenewer;
  /** Ends what this object started for itself (an API service child, connections); never a workload. */
  close(): Promise<void>;
}
