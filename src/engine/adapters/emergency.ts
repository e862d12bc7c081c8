import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import type { FleetRollout } from '../../recipe/index.ts';

/** CVSS base score from which FIRST's scale says critical. */
const CRITICAL_SCORE = 9;

/**
 * Whether a release that fixes these advisories does not wait for a window. Critical is what an imported advisory feed
 * rates so; what no feed rates is not.
 */
export async function isEmergency(
  reader: DatabaseReader,
  emergency: FleetRollout['emergency'],
  fixed: readonly string[],
): Promise<boolean> {
  if (emergency === undefined || emergency === 'never' || fixed.length === 0) return false;
  if (emergency === 'security') return true;
  const ids = sql.val([...fixed]);
  const { rows } = await sql`select 1 from advisory a where a.withdrawn is null
    and (a.name = any(${ids}::text[]) or a.aliases && ${ids}::text[])
    and (a.severity = 'critical' or a.score >= ${CRITICAL_SCORE}
      or exists (select from advisory_package p where p.advisory = a.id and p.severity = 'critical')) limit 1`.execute(
    reader,
  );
  return rows.length > 0;
}
