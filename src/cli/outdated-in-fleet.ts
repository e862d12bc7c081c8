import type { CliContext } from './context.ts';
import { openFleetAccess } from './fleet-access.ts';
import { outdatedOnServer } from './outdated-on-server.ts';
import type { OutdatedView } from './render/outdated.ts';

/** Every image of the inventory that has findings, or that nothing can be said about; where `serve` holds the home, it is asked. */
export async function outdatedInFleet(
  context: CliContext,
  imageGlob: string | undefined,
  now: number,
): Promise<readonly OutdatedView[]> {
  const access = await openFleetAccess(context);
  if (access.kind === 'server') return outdatedOnServer(access.server, imageGlob);
  const { database } = access;
  const { fleet, outdatedAll } = await import('../inventory/store/index.ts');
  const filter = imageGlob === undefined ? {} : { imageGlob };
  try {
    const findings = new Map<string, OutdatedView['findings']>();
    const outdated = (after: string | undefined) =>
      outdatedAll(database.kysely, { ...filter, ...(after === undefined ? {} : { after }) });
    for await (const row of everyRow(outdated)) findings.set(row.reference, row.findings);
    const images: OutdatedView[] = [];
    const rows = (after: string | undefined) =>
      fleet(database.kysely, { ...filter, now: new Date(now), ...(after === undefined ? {} : { after }) });
    for await (const row of everyRow(rows)) {
      if (row.status === 'checked' && row.findings === 0 && row.grade !== 'F') continue;
      images.push({
        reference: row.reference,
        digest: row.digest,
        distribution: row.distribution === '' ? undefined : row.distribution,
        status: row.status,
        reason: row.reason,
        findings: findings.get(row.reference) ?? [],
        grade: row.grade,
        dropsAt: row.dropsAt,
        endOfSupport: row.endOfSupport,
      });
    }
    return images;
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
