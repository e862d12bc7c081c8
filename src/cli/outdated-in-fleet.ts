import type { CliContext } from './context.ts';
import { openFleetAccess } from './fleet-access.ts';
import { type OutdatedFilter, outdatedOnServer } from './outdated-on-server.ts';
import type { OutdatedView } from './render/outdated.ts';

/** Rows of one page; large, so that a fleet takes few round trips. */
const PAGE = 10_000;

/**
 * Every image of the inventory that has findings which are asked for, or that nothing can be said about; where `serve`
 * holds the home, it is asked.
 */
export async function outdatedInFleet(
  context: CliContext,
  filter: OutdatedFilter,
  now: number,
): Promise<readonly OutdatedView[]> {
  const access = await openFleetAccess(context);
  if (access.kind === 'server') return outdatedOnServer(access.server, filter);
  const { database } = access;
  const { fleet, outdatedAll } = await import('../inventory/store/index.ts');
  const { image, distribution, severity, since, usage } = filter;
  const images = {
    limit: PAGE,
    ...(image === undefined ? {} : { imageGlob: image }),
    ...(distribution === undefined ? {} : { distribution }),
  };
  const updates = {
    ...(severity === undefined ? {} : { severity }),
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(usage === undefined ? {} : { usage }),
  };
  try {
    const findings = new Map<string, OutdatedView['findings']>();
    const outdated = (after: string | undefined) =>
      outdatedAll(database.kysely, { ...images, ...updates, ...(after === undefined ? {} : { after }) });
    for await (const row of everyRow(outdated)) findings.set(row.reference, row.findings);
    const views: OutdatedView[] = [];
    const rows = (after: string | undefined) =>
      fleet(database.kysely, { ...images, now: new Date(now), ...(after === undefined ? {} : { after }) });
    for await (const row of everyRow(rows)) {
      const own = findings.get(row.reference) ?? [];
      if (row.status === 'checked' && own.length === 0 && row.grade !== 'F') continue;
      views.push({
        reference: row.reference,
        digest: row.digest,
        distribution: row.distribution === '' ? undefined : row.distribution,
        status: row.status,
        reason: row.reason,
        findings: own,
        grade: row.grade,
        dropsAt: row.dropsAt,
        endOfSupport: row.endOfSupport,
      });
    }
    return views;
  } finally {
    await database.close();
  }
}

async function* everyRow<Row>(
  page: (after: string | undefined) => Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }>,
): AsyncGenerator<Row> {
  let after: string | undefined;
  do {
    const { rows, next } = await page(after);
    yield* rows;
    after = next;
  } while (after !== undefined);
}
