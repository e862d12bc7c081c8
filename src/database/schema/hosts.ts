/** A machine whose agent reports what its containers run. */
export interface AgentHostTable {
  readonly host: string;
  readonly name: string;
  /** Who reported it; others may not while it counts. */
  readonly account: string;
  /** By the server's clock, and by its own. */
  readonly observed: Date;
  readonly reported: Date;
  /** From then on what it said counts no more. */
  readonly expires: Date;
  /** Processes that could not be looked at. */
  readonly unread: number;
}

export interface AgentContainerTable {
  readonly host: string;
  readonly container: string;
  readonly engine: string;
  readonly name: string | null;
  readonly image_name: string | null;
  /** By which its image may be known: of manifests and of the configuration. */
  readonly digests: string[];
  /** image.id, once the inventory has it. */
  readonly image: number | null;
  readonly restart_due: boolean;
  readonly problem: string | null;
  /** Of all that was said of it. */
  readonly hash: string;
  /** JSON text: package, version loaded (null: not known), installed, restart due, seconds since it was first seen. */
  readonly packages: string;
}

export interface HostsSchema {
  readonly agent_host: AgentHostTable;
  readonly agent_container: AgentContainerTable;
}
