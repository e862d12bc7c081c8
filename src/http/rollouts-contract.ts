/** Rollouts as they are told and steered. Imports nothing, as `contract.ts`. */

export interface RolloutStage {
  readonly name: string;
  /** Moves to the digest when the stage begins. */
  readonly tag: string | null;
  readonly state: 'done' | 'current' | 'next';
  readonly approval: boolean;
  /** Distinct people who have to approve it; 0 where nobody has to. */
  readonly approvalsNeeded: number;
  readonly approvedBy: readonly string[];
  readonly approvals: readonly {
    readonly by: string;
    /** As which of `rollout.approvers`; null for the owner of the home, and where nobody is named. */
    readonly as: string | null;
    readonly at: string;
  }[];
}

/** One container slot. */
export interface RolloutSlot {
  readonly workload: string;
  readonly container: string;
  /** Reference that ran before. */
  readonly previous: string;
  /** `rolledout`, `rolledback`, `overtaken`, `unchanged`, `gone`, `withdrawn`; null while it is under way. */
  readonly outcome: string | null;
  readonly reason: string;
  /** The step that is in place, from 1; with how many there are, and what it gets in per cent. */
  readonly step: number | null;
  readonly steps: number | null;
  readonly weight: number | null;
  /** Copies of the workload that are ready, and that are wanted, as its runtime told last; null where it tells none. */
  readonly ready: number | null;
  readonly wanted: number | null;
  readonly started: string;
  readonly finished: string | null;
}

export interface Rollout {
  readonly id: number;
  readonly cause: 'release' | 'command' | 'promotion' | 'rollback';
  /** Image of the fleet; its repository where there is none. */
  readonly image: string;
  /** Pullable, with digest. */
  readonly reference: string;
  readonly digest: string;
  readonly previous: string | null;
  readonly state: 'waiting' | 'running' | 'paused' | 'aborting' | 'rolledout' | 'rolledback' | 'overtaken' | 'failed';
  /** It should be under way, and no process is at it: `serve` or `rollout resume` carries it on. */
  readonly interrupted: boolean;
  readonly hold: string | null;
  readonly reason: string;
  /** When what it waits for ends by itself. */
  readonly until: string | null;
  readonly stages: readonly RolloutStage[];
  readonly workloads: readonly RolloutSlot[];
  /** Process that carries it on. */
  readonly owner: string | null;
  readonly started: string;
  readonly updated: string;
  readonly finished: string | null;
}

/** `GET /api/v1/rollouts` */
export interface RolloutPage {
  readonly rollouts: readonly Rollout[];
  readonly next: string | null;
}

/** `GET /api/v1/rollouts/{id}` */
export interface RolloutHistory {
  readonly rollout: Rollout;
  readonly changes: readonly {
    readonly at: string;
    readonly actor: string;
    readonly state: string;
    readonly stage: string;
    readonly reason: string;
  }[];
  /** What was measured at its steps; the last thousand. */
  readonly measurements: readonly {
    readonly at: string;
    readonly workload: string;
    readonly container: string;
    /** From 1. */
    readonly step: number;
    readonly metric: string;
    readonly outcome: 'good' | 'bad' | 'inconclusive';
    /** Of the new side; null where there was no answer. */
    readonly value: number | null;
    /** Of the old side; null where it was not asked, or had no answer. */
    readonly before: number | null;
    readonly detail: string;
  }[];
}

/** What a rollout would do: `GET /api/v1/rollouts/simulation` */
export interface RolloutSimulation {
  readonly image: string;
  readonly digest: string;
  /** Why it would not begin or not end. */
  readonly refused: string | null;
  readonly stages: readonly {
    readonly name: string;
    readonly tag: string | null;
    readonly approval: boolean;
    /** Seconds. */
    readonly soak: number;
    readonly window: { readonly open: boolean; readonly until: string | null };
    readonly zones: readonly {
      readonly zone: string;
      readonly from: string | null;
      readonly registry: string | null;
      readonly refused: string | null;
    }[];
    readonly workloads: readonly {
      readonly workload: string;
      readonly container: string;
      /** From 1: those of one batch are changed side by side. */
      readonly batch: number;
      readonly from: string;
      readonly to: string;
      readonly strategy: string;
      readonly unchanged: boolean;
    }[];
  }[];
  /** Workloads that use what it supersedes and that no stage takes. */
  readonly unstaged: readonly string[];
  /** Named by the fleet file, and nobody has them. */
  readonly missing: readonly string[];
}

/** `GET /api/v1/rollouts/findings` */
export interface RolloutFindings {
  readonly findings: readonly {
    readonly rule: 'zone.violation' | 'zone.registry';
    readonly zone: string;
    readonly workload: string;
    readonly container: string;
    readonly image: string;
    readonly digest: string | null;
    readonly message: string;
  }[];
}

/** A digest that is not offered again. */
export interface QuarantinedDigest {
  readonly digest: string;
  /** Image or pullable reference that it was offered as. */
  readonly image: string;
  readonly reason: string;
  /** `verify`, a workload, a person. */
  readonly foundBy: string;
  readonly since: string;
}

/** `GET /api/v1/quarantine`, newest first, and what `POST /api/v1/quarantine/lift` lifted. */
export interface Quarantine {
  readonly quarantined: readonly QuarantinedDigest[];
}

/** `GET /api/v1/rollouts/runtimes`: what images are rolled out to, as a server found it last. */
export interface RolloutRuntimes {
  readonly runtimes: readonly {
    readonly name: string;
    readonly state: 'usable' | 'away';
    readonly since: string;
    /** Why it is away; empty while it is not. */
    readonly reason: string;
    /** When it is asked again; null while it answers. */
    readonly retry: string | null;
    readonly seen: string;
  }[];
}

export interface RolloutsQuery {
  /** Those that have ended, too. */
  readonly all?: boolean;
  readonly image?: string;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Of `POST /api/v1/rollouts/{id}/{action}`. */
export interface RolloutWord {
  readonly reason?: string;
  /** With `resume`: a window is not waited for. */
  readonly now?: boolean;
  /** With `approve`. */
  readonly stage?: string;
  /** With `rollback`: what it brought is never offered again. */
  readonly quarantine?: boolean;
}

export type RolloutAction = 'pause' | 'resume' | 'abort' | 'approve' | 'rollback';

export interface RolloutActor {
  readonly name: string;
  /** Whoever owns the home may everything. */
  readonly owner: boolean;
  /** Of the account. */
  readonly groups?: readonly string[];
  /** The account administers. */
  readonly admin?: boolean;
  readonly address?: string;
}

/** Answered from a database, or by another process. */
export interface Rollouts {
  list(query: RolloutsQuery): Promise<RolloutPage>;
  show(id: number): Promise<RolloutHistory>;
  /** @returns the rollout; after `rollback`, those that bring back what ran before */
  act(id: number, action: RolloutAction, word: RolloutWord, by: RolloutActor): Promise<RolloutPage>;
  /** Takes one workload back to what it ran before. */
  takeBack(workload: string, word: RolloutWord, by: RolloutActor): Promise<RolloutPage>;
  /** Brings to a stage what proved good in the one before, or what is named. */
  promote(
    wanted: { readonly image: string; readonly to: string; readonly digest?: string; readonly skip?: boolean },
    by: RolloutActor,
  ): Promise<RolloutPage>;
  simulate(image: string, digest?: string): Promise<RolloutSimulation>;
  findings(): Promise<RolloutFindings>;
  /** Of the last quarter of an hour: without a server nobody looks. */
  runtimes(): Promise<RolloutRuntimes>;
  quarantine(): Promise<Quarantine>;
  /** @returns what was lifted */
  lift(digest: string, word: Pick<RolloutWord, 'reason'>, by: RolloutActor): Promise<Quarantine>;
}
