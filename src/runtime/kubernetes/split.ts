import type { WorkloadObject } from './objects.ts';
import type { Detachment, Role } from './twin.ts';

/** What gives the copies of the new image their share of requests. Every call may be made again. */
export interface Split {
  /** Undefined where the copies are behind the same Services as the old ones. */
  readonly detached: Detachment | undefined;
  /** Makes what is needed, with no requests for the copies yet; after that they may exist. */
  prepare(owner: WorkloadObject): Promise<void>;
  /** Per cent. */
  share(weight: number): Promise<void>;
  /** All requests to where they went before. Copies are still there, and so is what `prepare` made. @returns whether anything was changed */
  restore(): Promise<boolean>;
  /** Removes what `prepare` made. */
  remove(): Promise<void>;
}

export const CANARY: Role = 'canary';

/** Copies behind the same Service: their number is their share. */
export const replicaSplit: Split = {
  detached: undefined,
  prepare: async () => {},
  share: async () => {},
  restore: async () => false,
  remove: async () => {},
};
