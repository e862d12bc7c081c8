import { type Clock, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { quarantine } from '../../publish/index.ts';
import { rolloutError } from '../errors.ts';
import { type Approving, approverOf } from '../plan/approvers.ts';
import type { PlannedStage } from '../plan/plan.ts';
import { approversByStage } from './facts.ts';
import type { Campaign } from './record.ts';
import { hasEnded, type OperatorAction, operate } from './state.ts';
import { passWaitingSteps } from './steps.ts';
import { approvalsOfMany, changeCampaign } from './store.ts';

/** Who says so, and why. */
export interface Word {
  readonly actor: string;
  readonly reason?: string | undefined;
  /** With `resume`: a window is not waited for. */
  readonly now?: boolean | undefined;
  /** Written with the change: the audit log. */
  readonly within?: ((trx: Parameters<Parameters<Database['transaction']>[0]>[0]) => Promise<void>) | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Pauses, resumes or aborts a rollout. It takes effect wherever the rollout is carried on: a pause at the next step or
 * workload, an abort within seconds.
 * @throws ROLLOUT_UNKNOWN, ROLLOUT_STATE
 */
export async function operateCampaign(
  database: Database,
  id: number,
  action: OperatorAction,
  word: Word,
): Promise<Campaign> {
  const { actor, clock = systemClock } = word;
  return await database.transaction(async (trx) => {
    await word.within?.(trx);
    if (action === 'resume') await passWaitingSteps(trx, id);
    const decide = (now: Campaign) => {
      const skips = action === 'resume' && word.now === true && now.hold === 'window';
      const operated = operate(now.state, now.hold, action);
      if (skips)
        return { state: 'running', hold: null, until: null, anyTime: true, reason: told(action, word) } as const;
      if (operated.kind === 'refused') throw refused(id, action, operated.reason);
      if (operated.kind === 'already') return undefined;
      const { state, hold = null } = operated;
      return { state, hold, until: null, reason: told(action, word), carrier: 'loop' } as const;
    };
    return await changeCampaign(trx, id, decide, { actor, clock }, true);
  });
}

const PAST: Readonly<Record<OperatorAction, string>> = { pause: 'paused', resume: 'resumed', abort: 'aborted' };

const told = (action: OperatorAction, { actor, reason }: Word): string =>
  `${PAST[action]} by ${actor}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;

const refused = (id: number, action: string, why: string): Error =>
  rolloutError('ROLLOUT_STATE', `rollout ${id} cannot be ${PAST[action as OperatorAction] ?? action}: ${why}`, {
    hint: '`heraklit rollout status` shows what it waits for.',
  });

/**
 * Approves a stage: the one named, or the next that is to be approved. Approving twice changes nothing.
 * @returns the rollout and the stage
 * @throws ROLLOUT_UNKNOWN, ROLLOUT_STATE, ROLLOUT_NOT_APPROVER
 */
export async function approveCampaign(
  database: Database,
  id: number,
  word: Word & Approving & { readonly stage?: string | undefined },
): Promise<{ readonly campaign: Campaign; readonly stage: string }> {
  const { actor, clock = systemClock } = word;
  return await database.transaction(async (trx) => {
    await word.within?.(trx);
    const people = approversByStage(await approvalsOfMany(trx, [id]));
    let stage = '';
    let approver: string | null = null;
    const decide = (now: Campaign) => {
      stage = stageToApprove(now, word.stage, people);
      approver = mayApprove(now.plan.approvers, word, `approve rollout ${id}`);
      const why = word.reason === undefined || word.reason === '' ? '' : `: ${word.reason}`;
      const as = approver === null || approver === actor ? '' : ` (${approver})`;
      return { reason: `${stage} approved by ${actor}${as}${why}` };
    };
    const campaign = await changeCampaign(trx, id, decide, { actor, clock });
    await trx
      .insertInto('rollout_approval')
      .values({ campaign: id, stage, actor, approver, at: new Date(clock.now()) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return { campaign, stage };
  });
}

/** @returns as which of the approvers @throws ROLLOUT_NOT_APPROVER */
export function mayApprove(approvers: readonly string[], who: Approving, what: string): string | null {
  const approver = approverOf(approvers, who);
  if (approver !== undefined) return approver;
  throw rolloutError('ROLLOUT_NOT_APPROVER', `${who.actor} may not ${what}`, {
    hint: `rollout.approvers names ${approvers.join(', ')}.`,
  });
}

function stageToApprove(
  { id, state, plan, stage }: Campaign,
  named: string | undefined,
  people: ReadonlyMap<string, readonly string[]>,
): string {
  if (hasEnded(state)) throw refused(id, 'approved', `it has ended: ${state}`);
  const waiting = plan.stages.slice(stage).filter(({ approval }) => approval);
  const lacks = ({ name, approvals = 1 }: PlannedStage): boolean => (people.get(name)?.length ?? 0) < approvals;
  const found = named === undefined ? (waiting.find(lacks) ?? waiting[0]) : waiting.find(({ name }) => name === named);
  if (found !== undefined) return found.name;
  const known = waiting.map(({ name }) => name).join(', ');
  const why = known === '' ? 'no stage of it is to be approved any more' : `only ${known} of it can be`;
  throw refused(id, 'approved', why);
}

/** Marks what a rollout brought as never to be offered again, because a person says so. */
export async function condemn(database: Database, { digest, image }: Campaign, word: Word): Promise<void> {
  const { actor, reason = `taken back by ${actor}`, clock } = word;
  await database.transaction((trx) => quarantine(trx, { digest, image, foundBy: actor, reason }, clock));
}
