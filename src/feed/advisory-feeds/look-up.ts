import { sql } from 'kysely';
import type { AdvisoryEntry, AdvisorySeverity, AffectedPackage } from '../../advisory/index.ts';
import type { DatabaseReader } from '../../database/index.ts';

interface Row {
  readonly id: string;
  readonly aliases: string[];
  readonly rating: AdvisorySeverity | null;
  readonly score: number | null;
  readonly published: Date | null;
  readonly urls: string[];
  readonly ecosystem: string;
  readonly name: string;
  readonly kind: AffectedPackage['kind'];
  readonly status: AffectedPackage['status'];
  readonly introduced: string | null;
  readonly fixed: string | null;
  readonly last_affected: string | null;
  readonly versions: string[] | null;
  readonly justification: string | null;
  readonly statement: string | null;
  readonly product: string | null;
  readonly severity: AdvisorySeverity | null;
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
    select advisory.name as id, aliases, advisory.severity as rating, score, published, urls, ecosystem,
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
  const {
    id,
    aliases,
    urls,
    ecosystem,
    name,
    kind,
    status,
    introduced,
    fixed,
    versions,
    justification,
    statement,
    product,
    severity,
  } = row;
  const known = {
    introduced,
    fixed,
    lastAffected: row.last_affected,
    versions,
    justification,
    statement,
    product,
    severity,
  };
  const present = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null));
  return {
    advisory: {
      ...{ id, aliases, urls },
      severity: row.rating ?? undefined,
      score: row.score ?? undefined,
      published: row.published?.toISOString(),
    },
    affected: { ecosystem, kind, name, status, ...present },
  };
}
