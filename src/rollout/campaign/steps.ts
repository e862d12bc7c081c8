import { sql } from 'kysely';
import type { Clock } from '../../base/index.ts';
import type { Database, DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import type { RolloutStep } from '../../runtime/index.ts';
import { changeCampaign, ITSELF } from './store.ts';

/** How far the steps of a slot are, and what its rollout is at. */
export interface StepState {
  /** Steps before this one are over. */
  readonly passed: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Writes down that a step is in place; one that was there already keeps its time. */
export async function noteStep(
  database: Database,
  slot: { readonly row: number; readonly campaign: number; readonly what: string },
  step: RolloutStep,
  clock: Clock,
): Promise<StepState> {
  const { index, count, weight, pause } = step;
  return await database.transaction(async (trx) => {
    const before = await trx
      .selectFrom('rollout')
      .select(['step', 'step_since', 'passed'])
      .where('id', '=', slot.row)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const known = before.step === index && before.step_since !== null ? before.step_since : undefined;
    const since = known ?? new Date(clock.now());
    const facts = { step: index, steps: count, weight: Math.round(weight), step_since: since };
    await trx
      .updateTable('rollout')
      .set({ ...facts, step_waits: pause === 'until-resumed' })
      .where('id', '=', slot.row)
      .execute();
    const reason = `${slot.what}: step ${index + 1} of ${count}, ${Math.round(weight)} %`;
    const told = ({ state }: { readonly state: string }) => (state === 'running' ? { reason } : undefined);
    if (known === undefined) await changeCampaign(trx, slot.campaign, told, { actor: ITSELF, clock });
    return { passed: before.passed, since: since.getTime() };
  });
}

export async function passStep(trx: DatabaseTransaction, row: number, passed: number): Promise<void> {
  await trx.updateTable('rollout').set({ passed, step_waits: false }).where('id', '=', row).execute();
}

/** The steps that somebody was to resume are over. */
export async function passWaitingSteps(trx: DatabaseTransaction, campaign: number): Promise<void> {
  await trx
    .updateTable('rollout')
    .set({ passed: sql<number>`step + 1`, step_waits: false })
    .where('campaign', '=', campaign)
    .where('finished', 'is', null)
    .where('step_waits', '=', true)
    .execute();
}

export async function passedOf(reader: DatabaseReader, row: number): Promise<number> {
  const found = await reader.selectFrom('rollout').select('passed').where('id', '=', row).executeTakeFirst();
  return found?.passed ?? 0;
}
