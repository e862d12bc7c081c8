/** How a new image takes the place of the old one in one workload. Rolling, as the platform does it by itself, when undefined. */
export type RolloutStrategy =
  | { readonly kind: 'rolling' }
  | {
      readonly kind: 'canary';
      /** Weights ascend; 100 % is the end of every canary and need not be named. */
      readonly steps: readonly CanaryStep[];
      readonly traffic?: TrafficSplit;
    }
  | {
      readonly kind: 'blueGreen';
      /** Service whose selector is switched; the only one that selects the workload's pods when undefined. */
      readonly service?: string;
      /** Service that reaches the new side before the switch, for tests. */
      readonly previewService?: string;
      /** Milliseconds that the old side is kept, for an instant way back; 0 removes it at once. */
      readonly keep?: number;
    };

export interface CanaryStep {
  /** Per cent of requests (or of copies, where nothing splits requests) that the new image gets: above 0, at most 100. */
  readonly weight: number;
  /** Milliseconds to stay at this weight, or until somebody resumes the rollout. No longer than health takes when undefined. */
  readonly pause?: number | 'until-resumed';
}

/** What gives the new side its share of requests. */
export type TrafficSplit =
  /** By the number of copies behind the same Service: as fine as there are copies. */
  | { readonly kind: 'replicas' }
  /** An HTTPRoute of the Gateway API whose backendRefs are weighted. */
  | { readonly kind: 'gateway'; readonly route: string }
  /** An Ingress with a canary twin (annotations of the NGINX controller). */
  | { readonly kind: 'ingress'; readonly ingress: string };

/** A step that is in place and healthy by the runtime's own measure. */
export interface RolloutStep {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** Per cent that the new image gets. */
  readonly weight: number;
  readonly pause?: number | 'until-resumed';
  /** What runs beside each other now, for whoever compares them. */
  readonly before: RolloutSide;
  readonly after: RolloutSide;
}

/** The copies of one image of a workload. */
export interface RolloutSide {
  readonly image: string;
  /** Pod or container names that run it now. */
  readonly members: readonly string[];
  /** Label selector that finds just these (Kubernetes), for queries; undefined where there is none. */
  readonly selector?: string;
}

export type StepVerdict =
  | { readonly kind: 'go' }
  /** On to 100 % without the steps between. */
  | { readonly kind: 'promote' }
  | Revocation;

/** It is to be taken back. */
export interface Revocation {
  readonly kind: 'back';
  readonly reason: string;
  readonly blame: RolloutBlame;
}

/** `image`: it proved bad, so its digest is quarantined. `environment`: it had no fair trial. `operator`: a person wants it so. */
export type RolloutBlame = 'image' | 'environment' | 'operator';

/** What a runtime asks while it carries out a rollout. A rollout without one waits for nothing but health. */
export interface RolloutControl {
  /** Holds the rollout at a step (pauses, approvals, analysis) for as long as it takes. */
  stepReached(step: RolloutStep, signal?: AbortSignal): Promise<StepVerdict>;
  /** Asked about once a second while copies come up: why it is to be taken back now, or undefined. */
  revoked(): Promise<Revocation | undefined>;
}
