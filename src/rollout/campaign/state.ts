/** One image on its way to its workloads. The first four go on; the others are how it ended. */
export const STATES = [
  /** Nothing is being changed: for a window, an approval, the stage before, another attempt. */
  'waiting',
  'running',
  /** Until somebody resumes it. What is in place stays in place. */
  'paused',
  /** Somebody wants it back; what is half-way is taken back. */
  'aborting',
  'rolledout',
  'rolledback',
  /** Somebody else set another image meanwhile, or a newer image of the same name takes over. */
  'overtaken',
  'failed',
] as const;
export type CampaignState = (typeof STATES)[number];

/** What it waits for, or who paused it. */
export type Hold = 'window' | 'approval' | 'soak' | 'retry' | 'away' | 'elsewhere' | 'merge' | 'step' | 'operator';

const ENDS = ['rolledout', 'rolledback', 'overtaken', 'failed'] as const;
export type EndState = (typeof ENDS)[number];

const NEXT: Readonly<Record<CampaignState, readonly CampaignState[]>> = {
  waiting: ['running', 'paused', 'aborting', ...ENDS],
  running: ['waiting', 'paused', 'aborting', ...ENDS],
  // What is in place at a pause can still prove bad.
  paused: ['running', 'aborting', 'rolledback', 'overtaken', 'failed'],
  aborting: ENDS,
  rolledout: [],
  rolledback: [],
  overtaken: [],
  failed: [],
};

export const hasEnded = (state: CampaignState): state is EndState => (ENDS as readonly string[]).includes(state);

/** Whether a rollout in one state may be in the other next; staying is always fine while it goes on. */
export const mayFollow = (from: CampaignState, to: CampaignState): boolean =>
  NEXT[from].includes(to) || (from === to && !hasEnded(from));

export type OperatorAction = 'pause' | 'resume' | 'abort';

/** What an operator's word makes of a rollout. Pure. */
export type Operated =
  | { readonly kind: 'becomes'; readonly state: CampaignState; readonly hold: Hold | undefined }
  | { readonly kind: 'already' }
  | { readonly kind: 'refused'; readonly reason: string };

export function operate(state: CampaignState, hold: Hold | undefined, action: OperatorAction): Operated {
  if (hasEnded(state)) return { kind: 'refused', reason: `it has ended: ${state}` };
  if (state === 'aborting') {
    return action === 'abort' ? { kind: 'already' } : { kind: 'refused', reason: 'it is being taken back' };
  }
  if (action === 'abort') return { kind: 'becomes', state: 'aborting', hold: undefined };
  if (action === 'pause') {
    return state === 'paused' ? { kind: 'already' } : { kind: 'becomes', state: 'paused', hold: 'operator' };
  }
  if (state === 'paused') return { kind: 'becomes', state: 'running', hold: undefined };
  // Another attempt, now; and whoever carries it on is woken.
  if (state === 'running' || hold === 'retry' || hold === 'away')
    return { kind: 'becomes', state: 'running', hold: undefined };
  return { kind: 'refused', reason: `it waits for ${hold ?? 'its turn'}` };
}
