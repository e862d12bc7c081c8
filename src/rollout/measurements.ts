import type { Measurement, Reading } from '../analysis/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';

/** A step of a rollout of one container slot. */
export interface MeasuredStep {
  readonly workload: string;
  readonly container: string;
  readonly digest: Digest;
  readonly step: number;
  readonly since: Date;
}

export interface KeptMeasurement {
  readonly step: number;
  readonly since: Date;
  readonly metric: string;
  readonly at: Date;
  readonly outcome: Measurement['outcome'];
  readonly after: number | null;
  readonly before: number | null;
  readonly detail: string;
}

const numberOf = (reading: Reading | undefined): number | null => (reading?.kind === 'value' ? reading.value : null);

/** Digits of what is said; queries and servers may say much. */
const MAX_DETAIL = 500;

export async function keepMeasurements(
  trx: DatabaseTransaction,
  step: MeasuredStep,
  measurements: readonly Measurement[],
): Promise<void> {
  if (measurements.length === 0) return;
  const rows = measurements.map(({ metric, at, outcome, after, before, detail }) => ({
    workload: step.workload,
    container: step.container,
    digest: step.digest,
    step: step.step,
    step_since: step.since,
    metric,
    at,
    outcome,
    after_value: numberOf(after),
    before_value: numberOf(before),
    detail: detail.replaceAll('\0', '').slice(0, MAX_DETAIL),
  }));
  await trx.insertInto('rollout_measurement').values(rows).execute();
}

/** All that was measured for a digest in a slot since then, in order. */
export async function measurementsOf(
  reader: DatabaseReader,
  slot: { readonly workload: string; readonly container: string; readonly digest: string },
  since: Date,
): Promise<readonly KeptMeasurement[]> {
  const rows = await reader
    .selectFrom('rollout_measurement')
    .select(['step', 'step_since', 'metric', 'at', 'outcome', 'after_value', 'before_value', 'detail'])
    .where('workload', '=', slot.workload)
    .where('container', '=', slot.container)
    .where('digest', '=', slot.digest)
    .where('step_since', '>=', since)
    .orderBy('id')
    .execute();
  return rows.map(({ step_since, after_value, before_value, outcome, ...row }) => ({
    ...row,
    since: step_since,
    outcome: outcome as Measurement['outcome'],
    after: after_value,
    before: before_value,
  }));
}
