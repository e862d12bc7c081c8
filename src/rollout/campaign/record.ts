import type { Digest } from '../../oci/index.ts';
import type { RolloutPlan } from '../plan/plan.ts';
import type { CampaignState, Hold } from './state.ts';

/** Why there is a rollout. */
export type Cause = 'release' | 'command' | 'promotion' | 'rollback';

/** A rollout as it is kept. Times are milliseconds since the epoch. */
export interface Campaign {
  readonly id: number;
  readonly cause: Cause;
  /** Image of the fleet; its repository where there is none. */
  readonly name: string;
  readonly fleet: string | undefined;
  /** In our registry. */
  readonly repository: string;
  /** Released under. */
  readonly tag: string | undefined;
  readonly image: string;
  readonly digest: Digest;
  /** Released before. */
  readonly previous: Digest | undefined;
  readonly plan: RolloutPlan;
  readonly state: CampaignState;
  readonly hold: Hold | undefined;
  readonly reason: string;
  readonly until: number | undefined;
  readonly stage: number;
  readonly stageDone: number | undefined;
  readonly anyTime: boolean;
  /** What the tags it moved named before. */
  readonly tagsBefore: Readonly<Record<string, Digest | null>>;
  readonly carrier: 'run' | 'loop';
  /** Who carries it on now. */
  readonly owner: string | undefined;
  readonly ownedUntil: number | undefined;
  readonly attempt: number;
  readonly started: number;
  readonly updated: number;
  readonly finished: number | undefined;
}

export type NewCampaign = Pick<
  Campaign,
  'cause' | 'name' | 'fleet' | 'repository' | 'tag' | 'image' | 'digest' | 'previous' | 'plan' | 'anyTime' | 'carrier'
>;

/** How far one container slot of a rollout is. */
export interface CampaignSlot {
  readonly row: number;
  readonly campaign: number;
  readonly workload: string;
  readonly container: string;
  readonly image: string;
  /** Reference that ran before. */
  readonly previous: string;
  readonly previousDigest: Digest | undefined;
  /** Undefined while it is under way. */
  readonly outcome: string | undefined;
  readonly reason: string;
  readonly step: number | undefined;
  readonly steps: number | undefined;
  readonly weight: number | undefined;
  /** What somebody has to agree to elsewhere first; nothing of it is changed yet. */
  readonly proposed: string | undefined;
  readonly started: number;
  readonly finished: number | undefined;
}

/** An entry of a rollout's history. */
export interface CampaignChange {
  readonly number: number;
  readonly at: number;
  readonly actor: string;
  readonly state: CampaignState;
  readonly stage: string;
  readonly reason: string;
}
