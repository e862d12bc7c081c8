/** One copy of a container of a workload: a pod by name, or a container of an engine. */
export interface Member {
  /** Empty where the runtime has none. */
  readonly namespace: string;
  readonly container: string;
  /** As in `RolloutSide.members`. */
  readonly name: string;
}

export interface MemberOutput {
  /** Oldest first, without line ends. */
  readonly lines: readonly string[];
  /** When the first line that could be read was written, where earlier ones were too many; else undefined. */
  readonly from: Date | undefined;
}

/** What copies of a workload say of themselves, for whoever judges their health. Undefined for one that is gone. */
export interface MemberObserver {
  /** How often its container was started again. */
  restarts(member: Member, signal?: AbortSignal): Promise<number | undefined>;
  /** What it wrote since then, both outputs; the newest where that is much. */
  output(member: Member, since: Date, signal?: AbortSignal): Promise<MemberOutput | undefined>;
}
