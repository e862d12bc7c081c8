import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Revocation, RolloutControl, RolloutStep, StepVerdict } from '../../runtime/index.ts';
import type { AnalysedSlot, OngoingAnalysis, StepAnalysis } from '../analysis.ts';
import { heldByWindow, type Move } from './next-move.ts';
import type { Campaign } from './record.ts';
import { noteStep, passedOf, passStep } from './steps.ts';
import { type CampaignPatch, changeCampaign, ITSELF, ROLLOUT_CHANNEL, readCampaign } from './store.ts';

/** Milliseconds between looks at a held step where nothing woke us. */
const LOOK_MS = 1_000;

export interface ControlOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly campaign: number;
  readonly row: number;
  readonly slot: Omit<AnalysedSlot, 'since'>;
  readonly analysis: StepAnalysis | undefined;
  readonly look?: number;
}

/** What a runtime asks of us while it changes one slot: the rollout's own state, the pauses of its steps, its analysis. */
export function controlOf(options: ControlOptions): RolloutControl {
  return {
    stepReached: (step, signal) => holdStep(options, step, signal ?? new AbortController().signal),
    revoked: async () => revocationOf(await readCampaign(options.database.kysely, options.campaign)),
  };
}

const revocationOf = ({ state, reason }: Campaign): Revocation | undefined =>
  state === 'aborting' ? { kind: 'back', reason, blame: 'operator' } : undefined;

async function holdStep(options: ControlOptions, step: RolloutStep, signal: AbortSignal): Promise<StepVerdict> {
  const { database, clock, slot } = options;
  const what = slot.workload.name;
  const { passed, since } = await noteStep(database, { ...options, what }, step, clock);
  if (passed > step.index) return { kind: 'go' };
  const waiting = await waiter(database, options.look ?? LOOK_MS, signal);
  let ongoing: OngoingAnalysis | undefined;
  try {
    ongoing = await options.analysis?.begin(step, { ...slot, since }, signal);
    for (;;) {
      signal.throwIfAborted();
      const verdict = await look(options, step, since, ongoing);
      if (verdict !== undefined) return verdict;
      await waiting.next();
    }
  } finally {
    await ongoing?.end();
    await waiting.end();
  }
}

/** One look: what ends the step, or undefined while it lasts; the rollout's state says what it waits for. */
async function look(
  { database, clock, campaign: id, row }: ControlOptions,
  step: RolloutStep,
  since: number,
  ongoing: OngoingAnalysis | undefined,
): Promise<StepVerdict | undefined> {
  const campaign = await readCampaign(database.kysely, id);
  const revoked = revocationOf(campaign);
  if (revoked !== undefined) return revoked;
  const verdict = ongoing === undefined ? ({ kind: 'go' } as const) : await ongoing.verdict();
  if (verdict?.kind === 'back') return verdict;
  if (campaign.state === 'paused') return undefined;
  const now = clock.now();
  const held = holdOf(step, since, await passedOf(database.kysely, row), now) ?? heldByWindow(campaign, now);
  if (held === undefined && verdict === undefined) return undefined;
  return await database.transaction(async (trx) => {
    const patch = held === undefined || held === 'pause' ? GOES_ON : patchOf(held);
    const decide = ({ state, hold }: Campaign): CampaignPatch | undefined =>
      state === 'paused' || (state === patch.state && (hold ?? null) === patch.hold) ? undefined : patch;
    const after = await changeCampaign(trx, id, decide, { actor: ITSELF, clock });
    if (held !== undefined || verdict === undefined || after.state !== 'running') return undefined;
    await passStep(trx, row, verdict.kind === 'promote' ? step.count : step.index + 1);
    return verdict;
  });
}

type Wait = Extract<Move, { kind: 'wait' }>;

/** A pause with an end is part of the step, not something the rollout waits for. */
function holdOf(
  { index, pause = 0 }: RolloutStep,
  since: number,
  passed: number,
  now: number,
): Wait | 'pause' | undefined {
  if (passed > index || pause === 0) return undefined;
  if (pause === 'until-resumed') {
    return { kind: 'wait', hold: 'step', reason: 'until somebody resumes it', until: undefined };
  }
  return now < since + pause ? 'pause' : undefined;
}

const GOES_ON: CampaignPatch = { state: 'running', hold: null, until: null, reason: '' };

const patchOf = ({ hold, reason, until }: Wait): CampaignPatch => ({
  state: hold === 'step' ? 'paused' : 'waiting',
  ...{ hold, reason, until: until ?? null },
});

interface Waiter {
  /** Resolves when something about a rollout changed, or after a while. */
  next(): Promise<void>;
  end(): Promise<void>;
}

async function waiter(database: Database, milliseconds: number, signal: AbortSignal): Promise<Waiter> {
  let wake = new AbortController();
  const unlisten = await database.listen(ROLLOUT_CHANNEL, () => wake.abort());
  return {
    async next() {
      const either = AbortSignal.any([wake.signal, signal]);
      await sleep(milliseconds, undefined, { signal: either }).catch(() => undefined);
      wake = new AbortController();
    },
    end: unlisten,
  };
}
