import type { Generated } from 'kysely';

/** A container slot of a running thing, as its runtime listed it last. */
export interface WorkloadTable {
  /** `kubernetes:…` or `podman:…`. */
  readonly id: string;
  readonly container: string;
  readonly runtime: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Reference as configured. */
  readonly image: string;
  /** Null while unknown or mixed. */
  readonly digest: string | null;
  readonly replicas: number;
  /** When it was listed or changed last. */
  readonly seen: Date;
  /** `container`, `init`, `ephemeral`, `injected`. */
  readonly role: Generated<string>;
  /** Copies that are ready; null where the runtime does not tell. */
  readonly ready: number | null;
}

/** What copies of a container run where that is not just `workload.digest`. */
export interface WorkloadReplicasTable {
  readonly id: string;
  readonly container: string;
  /** Of a manifest, an index or a configuration. */
  readonly digest: string;
  readonly replicas: number;
}

/** Container slots by the digests of images in the inventory that they use; rows may come twice. */
export interface WorkloadImageView {
  readonly id: string;
  readonly container: string;
  readonly digest: string;
}

/** A cluster that is watched. */
export interface WorkloadSourceTable {
  /** `kubernetes:NAME` */
  readonly name: string;
  /** When all that runs there was last known to be known. */
  readonly synced: Date | null;
  /** Since when it is not; null while it is. */
  readonly failing: Date | null;
  /** JSON text: sentences. */
  readonly problems: Generated<string>;
  readonly workloads: number | null;
}

export interface RolloutTable {
  readonly id: Generated<number>;
  readonly workload: string;
  readonly container: string;
  readonly digest: string;
  readonly image: string;
  readonly previous: string;
  readonly started: Date;
  /** Null while it runs, or ran in a process that died. */
  readonly finished: Date | null;
  /** `rolledout`, `rolledback`, `unchanged`; null while it runs. */
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly interrupted: boolean;
  readonly milliseconds: number | null;
  /** Null in rows of earlier versions. */
  readonly campaign: number | null;
  /** Digest that ran before, where it was known. */
  readonly previous_digest: string | null;
  /** Of the step that is in place, from 0; null before the first one. */
  readonly step: number | null;
  readonly steps: number | null;
  /** Per cent. */
  readonly weight: number | null;
  readonly step_since: Date | null;
  /** The step lasts until somebody resumes the rollout. */
  readonly step_waits: boolean | null;
  /** Steps before this one are over. */
  readonly passed: Generated<number>;
  /** What somebody has to agree to elsewhere first, in words; null otherwise. */
  readonly proposed: string | null;
}

/** One image on its way to any number of workloads, stage by stage. */
export interface RolloutCampaignTable {
  readonly id: Generated<number>;
  /** `release`, `command`, `promotion`, `rollback`. */
  readonly cause: string;
  /** Image of the fleet; its repository where there is none. */
  readonly name: string;
  readonly fleet: string | null;
  readonly repository: string;
  readonly tag: string | null;
  /** Pullable reference with digest. */
  readonly image: string;
  readonly digest: string;
  /** Digest that was released before. */
  readonly previous: string | null;
  /** JSON: stages, settings of workloads and zones as they were when it began. */
  readonly plan: string;
  readonly state: string;
  /** What it waits for. */
  readonly hold: string | null;
  readonly reason: string;
  /** When what it waits for ends by itself. */
  readonly until: Date | null;
  /** Index of the stage that is next or under way. */
  readonly stage: number;
  /** Its workloads are done since. */
  readonly stage_done: Date | null;
  /** Windows do not hold it. */
  readonly any_time: boolean;
  /** JSON: what the tags that it moved named before, null for nothing. */
  readonly tags_before: string;
  /** Who carries it on by itself: `run` (the engine's step), `loop`. */
  readonly carrier: string;
  readonly lease_owner: string | null;
  readonly lease_until: Date | null;
  readonly attempt: number;
  /** Number of its last row of `rollout_change`. */
  readonly changes: number;
  readonly started: Date;
  readonly updated: Date;
  readonly finished: Date | null;
}

export interface RolloutChangeTable {
  readonly campaign: number;
  readonly number: number;
  readonly at: Date;
  readonly actor: string;
  readonly state: string;
  readonly stage: string;
  readonly reason: string;
}

export interface RolloutApprovalTable {
  readonly campaign: number;
  readonly stage: string;
  readonly actor: string;
  readonly at: Date;
  /** As which of the approvers: a name, `group:NAME`, `role:NAME`; null for whoever owns the home. */
  readonly approver: string | null;
}

export interface ZoneImageTable {
  readonly zone: string;
  readonly digest: string;
  /** Zone; null where the zone takes images from outside. */
  readonly came_from: string | null;
  readonly campaign: number | null;
  readonly arrived: Date;
  readonly succeeded: Date | null;
}

export interface RolloutSchema {
  readonly workload: WorkloadTable;
  readonly workload_replicas: WorkloadReplicasTable;
  readonly workload_image: WorkloadImageView;
  readonly workload_source: WorkloadSourceTable;
  readonly rollout: RolloutTable;
  readonly rollout_campaign: RolloutCampaignTable;
  readonly rollout_change: RolloutChangeTable;
  readonly rollout_approval: RolloutApprovalTable;
  readonly zone_image: ZoneImageTable;
}
