import type { CliContext } from './context.ts';
import { openFleetAccess } from './fleet-access.ts';
import { type OutdatedFilter, outdatedOnServer } from './outdated-on-server.ts';
import type { OutdatedView } from './render/outdated.ts';

/** Rows of one page: few round trips, and no more in memory than is printed next. */
const PAGE = 5_000;

/**
 * Every image of the inventory that has findings which are asked for, or that nothing can be said about, page by page;
 * where `serve` holds the home, it is asked.
 */
export async function* outdatedInFleet(
  context: CliContext,
  filter: OutdatedFilter,
  now: number,
): AsyncGenerator<readonly OutdatedView[]> {
  const access = await openFleetAccess(context);
  if (access.kind === 'server') {
    yield await outdatedOnServer(access.server, filter);
    return;
  }
  const { database } = access;
  const { needingAttention } = await import('../inventory/store/index.ts');
  const { image, distribution, severity, since, usage } = filter;
  const query = {
    limit: PAGE,
    now: new Date(now),
    ...(image === undefined ? {} : { imageGlob: image }),
    ...(distribution === undefined ? {} : { distribution }),
    ...(severity === undefined ? {} : { severity }),
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(usage === undefined ? {} : { usage }),
  };
  try {
    for (let after: string | undefined; ; ) {
      const page = await needingAttention(database.kysely, after === undefined ? query : { ...query, after });
      yield page.rows.map((row) => ({
        reference: row.reference,
        digest: row.digest,
        distribution: row.distribution === '' ? undefined : row.distribution,
        status: row.status,
        reason: row.reason,
        findings: row.findings,
        grade: row.grade,
        dropsAt: row.dropsAt,
        endOfSupport: row.endOfSupport,
      }));
      if (page.next === undefined) return;
      after = page.next;
    }
  } finally {
    await database.close();
  }
}
