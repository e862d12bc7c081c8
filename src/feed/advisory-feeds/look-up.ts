import { sql } from 'kysely';
import type { AdvisoryEntry, AdvisorySeverity } from '../../advisory/index.ts';
import type { DatabaseReader } from '../../database/index.ts';
import { type AdvisoryPackageRow, toAffected } from './affected-row.ts';

interface Row extends AdvisoryPackageRow {
  readonly id: string;
  readonly aliases: string[];
  readonly rating: AdvisorySeverity | null;
  readonly score: number | null;
  readonly published: Date | null;
  readonly urls: string[];
}

/**
 * What imported advisories say of packages of a distribution (or of language packages, then `ecosystem` is their
 * package URL type), and of whole images. What was withdrawn is left out.
 */
export async function findAdvisories(
  reader: DatabaseReader,
  ecosystem: string,
  names: readonly string[],
): Promise<readonly AdvisoryEntry[]> {
  const { rows } = await sql<Row>`
    select advisory_package.advisory, advisory.name as id, aliases, advisory.severity as rating, score, published, urls, ecosystem,
      advisory_package.name, kind, status, introduced, fixed, last_affected, versions, justification, statement, product,
      advisory_package.severity
    from advisory_package
    join advisory on advisory.id = advisory_package.advisory and withdrawn is null
    join advisory_feed on advisory_feed.id = advisory.feed and ready
    where advisory_package.name = any(${[...new Set(names), '']}::text[]) and ecosystem in (${ecosystem}, '')
    order by advisory.name, advisory_package.name, advisory.id`.execute(reader);
  return rows.map(toEntry);
}

function toEntry(row: Row): AdvisoryEntry {
  const { id, aliases, urls, rating, score, published } = row;
  const facts = { severity: rating ?? undefined, score: score ?? undefined, published: published?.toISOString() };
  return { advisory: { id, aliases, urls, ...facts }, affected: toAffected(row) };
}
