import type { HostIdentity } from './host-identity.ts';
import type { Observation } from './observe.ts';

/** What is told of a host's containers, as it is kept until it is delivered. */
export interface AgentReport {
  readonly host: HostIdentity;
  readonly observedAt: string;
  readonly validFor: number;
  readonly containers: readonly {
    readonly id: string;
    readonly engine: string;
    readonly name: string | null;
    readonly image: string | null;
    readonly digests: readonly string[];
    readonly restartDue: boolean;
    readonly packages: readonly {
      readonly package: string;
      readonly loaded: string | null;
      readonly installed: string;
      readonly restartDue: boolean;
    }[];
    readonly problem?: string;
  }[];
  readonly unread: number;
}

/** Without files and processes: who reads it asks for packages. @param validFor seconds */
export function reportOf({ at, containers, unread }: Observation, host: HostIdentity, validFor: number): AgentReport {
  return {
    host,
    observedAt: at,
    validFor,
    containers: containers.map(({ id, engine, name, image, digests, restartDue, packages, problem }) => ({
      ...{ id, engine, name, image, digests, restartDue },
      packages: packages.map(({ package: own, loaded, installed, restartDue: due }) => {
        return { package: own, loaded, installed, restartDue: due };
      }),
      ...(problem === undefined ? {} : { problem }),
    })),
    unread: unread.length,
  };
}
