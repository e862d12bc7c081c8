import type { Digest } from '../../oci/index.ts';
import type { RolloutPlan } from '../plan/plan.ts';
import { windowState } from '../plan/windows.ts';
import { type CampaignState, type EndState, type Hold, hasEnded } from './state.ts';

/** What a rollout's next move depends on. Times are milliseconds since the epoch. */
export interface CampaignFacts {
  readonly state: CampaignState;
  readonly hold: Hold | undefined;
  readonly reason: string;
  readonly digest: Digest;
  readonly plan: RolloutPlan;
  readonly stage: number;
  /** The workloads of the stage are done since. */
  readonly stageDone: number | undefined;
  readonly anyTime: boolean;
  readonly until: number | undefined;
  /** Slots begun and not finished: one of them may be half-way. */
  readonly openSlots: number;
  /** A slot that did not come through. */
  readonly setback: { readonly state: 'rolledback' | 'overtaken'; readonly reason: string } | undefined;
  /** Stage → distinct people who approved it. */
  readonly approvedBy: ReadonlyMap<string, readonly string[]>;
  /** Why its digest is quarantined. */
  readonly quarantined: string | undefined;
  /** The last later release of the same image that did not prove bad. */
  readonly newer: { readonly id: number; readonly done: boolean } | undefined;
}

export type Move =
  | { readonly kind: 'stop' }
  | { readonly kind: 'end'; readonly state: EndState; readonly reason: string }
  | { readonly kind: 'wait'; readonly hold: Hold; readonly reason: string; readonly until: number | undefined }
  /** On to the next stage. */
  | { readonly kind: 'advance' }
  | { readonly kind: 'roll' }
  /** What is half-way is taken back. */
  | { readonly kind: 'undo' };

/** Pure: where a rollout stands → what is to be done with it now. */
export function nextMove(facts: CampaignFacts, now: number): Move {
  const { state, openSlots, reason } = facts;
  if (hasEnded(state)) return { kind: 'stop' };
  // At a step its copies are watched, whichever process does so; the pause holds it there.
  if (state === 'paused') return facts.hold === 'step' && openSlots > 0 ? { kind: 'roll' } : { kind: 'stop' };
  if (state === 'aborting') return openSlots > 0 ? { kind: 'undo' } : { kind: 'end', state: 'rolledback', reason };
  // What is half-way is finished, or taken back by the runtime, before anything else counts.
  if (openSlots > 0) return heldByWindow(facts, now) ?? heldByRetry(facts, now) ?? { kind: 'roll' };
  if (facts.setback !== undefined) return { kind: 'end', ...facts.setback };
  if (facts.quarantined !== undefined) {
    return { kind: 'end', state: 'failed', reason: `its digest is quarantined: ${facts.quarantined}` };
  }
  if (facts.newer !== undefined) {
    const why = `rollout ${facts.newer.id} brings a newer image`;
    if (facts.newer.done) return { kind: 'end', state: 'overtaken', reason: why };
    // It may prove bad yet, and then this one is wanted again.
    return { kind: 'wait', hold: 'elsewhere', reason: why, until: undefined };
  }
  return stageMove(facts, now);
}

/** Nothing is half-way and nothing speaks against it: what its stage wants. */
function stageMove(facts: CampaignFacts, now: number): Move {
  const { plan, stage } = facts;
  const current = plan.stages[stage];
  if (current === undefined) return { kind: 'end', state: 'rolledout', reason: '' };
  if (facts.stageDone !== undefined) {
    const until = facts.stageDone + current.soak;
    const last = stage === plan.stages.length - 1;
    if (until <= now || last) return { kind: 'advance' };
    return { kind: 'wait', hold: 'soak', reason: `${current.name} is watched before the next stage`, until };
  }
  const people = facts.approvedBy.get(current.name) ?? [];
  const { approvals = 1 } = current;
  if (current.approval && people.length < approvals) {
    const count = approvals === 1 ? '' : ` by ${approvals} people`;
    const so = people.length === 0 ? '' : `; so far ${people.join(', ')}`;
    return {
      kind: 'wait',
      hold: 'approval',
      reason: `${current.name} is to be approved${count}${so}`,
      until: undefined,
    };
  }
  return heldByWindow(facts, now) ?? heldByRetry(facts, now) ?? { kind: 'roll' };
}

function heldByRetry({ state, hold, until, reason }: CampaignFacts, now: number): Move | undefined {
  if (state !== 'waiting' || hold !== 'retry' || until === undefined || until <= now) return undefined;
  return { kind: 'wait', hold, reason, until };
}

/** Undefined when changes are welcome now. */
export function heldByWindow(
  { plan, stage, anyTime }: Pick<CampaignFacts, 'plan' | 'stage' | 'anyTime'>,
  now: number,
): Extract<Move, { kind: 'wait' }> | undefined {
  const current = plan.stages[stage];
  if (anyTime || current === undefined) return undefined;
  const window = windowState(current.windows, now);
  if (window.open) return undefined;
  const reason =
    window.opens === undefined
      ? `no window of ${current.name} ever opens`
      : `${current.name} is changed only in its windows`;
  return { kind: 'wait', hold: 'window', reason, until: window.opens };
}
