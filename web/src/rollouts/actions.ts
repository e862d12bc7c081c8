import type { Rollout, RolloutAction } from '../../../src/http/rollouts-contract.ts';

export interface Offered {
  readonly action: RolloutAction;
  readonly label: string;
  /** Asked about before it is done. */
  readonly asks: boolean;
}

const ENDED: ReadonlySet<Rollout['state']> = new Set(['rolledout', 'rolledback', 'overtaken', 'failed']);

export const hasEnded = ({ state }: Rollout): boolean => ENDED.has(state);

/** What makes sense to say to a rollout as it is. The server has the last word. */
export function actionsOf(rollout: Rollout): readonly Offered[] {
  const { state, hold, interrupted, stages, workloads } = rollout;
  if (hasEnded(rollout)) {
    const changed = workloads.some(({ outcome }) => outcome === 'rolledout');
    return changed ? [{ action: 'rollback', label: 'Roll back', asks: true }] : [];
  }
  if (state === 'aborting') return [];
  const offered: Offered[] = [];
  if (stages.some((one) => one.approval && one.state !== 'done' && one.approvedBy.length < one.approvalsNeeded)) {
    offered.push({ action: 'approve', label: 'Approve', asks: false });
  }
  const resumes = state === 'paused' || hold === 'retry' || hold === 'window' || interrupted;
  if (resumes) offered.push({ action: 'resume', label: hold === 'window' ? 'Go on now' : 'Resume', asks: false });
  if (state !== 'paused') offered.push({ action: 'pause', label: 'Pause', asks: false });
  offered.push({ action: 'abort', label: 'Abort', asks: true });
  return offered;
}
