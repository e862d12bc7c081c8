/** What a fleet's image is at now. */
export interface FleetImageTable {
  /** Unique in the home, not only in its fleet: it is also the name in the home's registry. */
  readonly name: string;
  /** Name of the fleet it belongs to. */
  readonly fleet: string;
  readonly repository: string;
  readonly tag: string;
  /** The released image; null until the first release. */
  readonly digest: string | null;
  /** Digest its base had when it was built. */
  readonly base_digest: string | null;
  /** Digest of the recipe it was built from. */
  readonly recipe_digest: string | null;
  /** JSON of where that recipe came from; null for one beside the fleet file. */
  readonly source: string | null;
  readonly strategy: string | null;
  /** Input and base of the last task that left the image as it is; null after a release. */
  readonly tried_input: string | null;
  /** How that task ended. */
  readonly tried: 'failed' | 'unchanged' | null;
  readonly released: Date | null;
}

/** What an outside registry was last given. */
export interface PushedImageTable {
  readonly name: string;
  /** `host/repository:tag` */
  readonly target: string;
  readonly digest: string;
  readonly pushed: Date;
}

/** A digest that verify or rollout refused: never offered again. */
export interface QuarantineTable {
  readonly digest: string;
  readonly image: string;
  readonly reason: string;
  readonly found_by: string;
  readonly since: Date;
  /** When a user took it out again; null while it is quarantined. */
  readonly lifted: Date | null;
  /** How often it was quarantined. */
  readonly times: number;
}

/** One plan being carried out. One at a time for a fleet. */
export interface RunTable {
  /** From `input` and `attempt`: the same whatever process starts it. */
  readonly id: string;
  /** Digest of the plan and what it starts from. */
  readonly input: string;
  /** Counts runs of the same input: more than one when tasks failed. */
  readonly attempt: number;
  readonly fleet: string;
  readonly status: 'running' | 'done';
  readonly started: Date;
  readonly finished: Date | null;
}

/** One image in a run. */
export interface TaskTable {
  readonly run: string;
  readonly image: string;
  readonly level: number;
  /** The task it waits for; null when it waits for none. */
  readonly base: string | null;
  readonly status: string;
  /** What comes next; null when the task is over. */
  readonly step: 'build' | 'verify' | 'rollout' | null;
  /** Failed attempts so far at `step`. */
  readonly attempt: number;
  readonly reason: string;
  readonly strategy: string;
  readonly because: string;
  /** JSON of the strategies that were not taken, each with why; null in rows of older versions. */
  readonly alternatives: string | null;
  /** False when only the base's change makes it a task, so that an unchanged base ends it. */
  readonly own_need: boolean;
  /** Digest of everything the build is a function of, but the base: that may change in the same run. */
  readonly input: string;
  readonly recipe_digest: string | null;
  /** JSON of where the recipe comes from; null for one beside the fleet file. */
  readonly source: string | null;
  readonly repository: string;
  readonly tag: string;
  /** Released digest when the run began, and what it was made of: what a rollback restores. */
  readonly previous: string | null;
  readonly previous_base: string | null;
  readonly previous_recipe: string | null;
  /** The candidate. */
  readonly digest: string | null;
  /** Digest of the base it is built on, once that began. */
  readonly base_digest: string | null;
  /** JSON of what later steps need of the build. */
  readonly result: string | null;
  readonly error: string | null;
  readonly updated: Date;
}

export interface EngineSchema {
  readonly fleet_image: FleetImageTable;
  readonly pushed_image: PushedImageTable;
  readonly quarantine: QuarantineTable;
  readonly run: RunTable;
  readonly task: TaskTable;
}
