import type { DatabaseReader } from '../../database/index.ts';
import { type Campaign, type CampaignSlot, measurementsOf } from '../../rollout/index.ts';
import type { RolloutHistory } from '../rollouts-contract.ts';

/** Told of one rollout, the last ones: a step that was held for days has thousands. */
const MAX_TOLD = 1_000;

/** What was measured at the steps of a rollout's slots while it went on. */
export async function measurementsAt(
  reader: DatabaseReader,
  { digest, finished = Number.POSITIVE_INFINITY }: Pick<Campaign, 'digest' | 'finished'>,
  slots: readonly CampaignSlot[],
): Promise<RolloutHistory['measurements']> {
  const found: RolloutHistory['measurements'][number][] = [];
  for (const { workload, container, started } of slots) {
    const kept = await measurementsOf(reader, { workload, container, digest }, new Date(started));
    for (const { at, step, metric, outcome, after, before, detail } of kept) {
      if (at.getTime() > finished) continue;
      const place = { at: at.toISOString(), workload, container, step: step + 1 };
      found.push({ ...place, metric, outcome, value: after, before, detail });
    }
  }
  return found.slice(-MAX_TOLD);
}
