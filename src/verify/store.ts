import { sql } from 'kysely';
import type { Clock } from '../base/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import type { Digest } from '../oci/index.ts';
import type { PartLog, Verification, VerifyStep } from './types.ts';

/** Results kept of one image; a result is a megabyte at most. */
const KEPT = 20;

/** A result as it is kept. */
export interface KeptVerification {
  readonly id: string;
  readonly image: string;
  readonly digest: Digest;
  readonly outcome: 'passed' | 'failed' | 'environment';
  readonly reason: string | undefined;
  readonly mode: string;
  readonly finished: Date;
  readonly milliseconds: number;
  readonly steps: readonly VerifyStep[];
  readonly logs: readonly PartLog[];
}

/** PostgreSQL's text holds no NUL. */
const jsonText = (value: unknown): string => JSON.stringify(value).replaceAll('\\u0000', '\\ufffd');

/** Keeps a result, and no more than the last ones of its image. @param id unique; the statement about the tests names it */
export async function recordVerification(
  trx: DatabaseTransaction,
  id: string,
  image: string,
  verification: Verification,
  clock: Clock,
): Promise<void> {
  const { digest, environment, passed, steps, logs, mode, milliseconds } = verification;
  const failed = steps.filter((step) => !step.passed).map((step) => `${step.name}: ${step.detail}`);
  await trx
    .insertInto('verification')
    .values({
      id,
      image,
      digest,
      outcome: environment === undefined ? (passed ? 'passed' : 'failed') : 'environment',
      reason: (environment ?? failed.join('; ')) || null,
      mode,
      finished: new Date(clock.now()),
      milliseconds,
      steps: jsonText(steps),
      logs: jsonText(logs),
    })
    .execute();
  await sql`delete from verification where image = ${image} and id not in (
    select id from verification where image = ${image} order by finished desc, id desc limit ${KEPT})`.execute(trx);
}

/** Newest first. @param image name in the fleet, or the id of one result */
export async function readVerifications(
  reader: DatabaseReader,
  image: string,
  limit = KEPT,
): Promise<readonly KeptVerification[]> {
  const rows = await reader
    .selectFrom('verification')
    .selectAll()
    .where((where) => where.or([where('image', '=', image), where('id', '=', image)]))
    .orderBy('finished', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    ...row,
    digest: row.digest as Digest,
    outcome: row.outcome as KeptVerification['outcome'],
    reason: row.reason ?? undefined,
    steps: JSON.parse(row.steps) as VerifyStep[],
    logs: JSON.parse(row.logs) as PartLog[],
  }));
}
