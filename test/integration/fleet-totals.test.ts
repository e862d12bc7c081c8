import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sql } from 'kysely';
import { GeneratedFleet } from '../../bench/inventory/fleet.ts';
import { fixedClock } from '../../src/base/index.ts';
import { type DatabaseTransaction, openDatabase } from '../../src/database/index.ts';
import { databaseQueries, type FleetImage } from '../../src/http/index.ts';
import type { Finding } from '../../src/inventory/index.ts';
import { packagesOfScope, recordFindings, recordImages, refreshScope } from '../../src/inventory/store/index.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const DAY = 86_400_000;
const folder = await mkdtemp(join(tmpdir(), 'heraklit-totals-'));
const database = await openDatabase({ kind: 'embedded', directory: folder });
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Few packages are outdated, so that images differ in what they miss and since when. */
async function check(trx: DatabaseTransaction, scope: string, at: number): Promise<void> {
  const packages = await packagesOfScope(trx, scope);
  const findings = packages
    .filter((_, index) => index % 89 === at)
    .map(
      ({ name, architecture, version }, index): Finding => ({
        ...{ package: name, arch: architecture, installed: version, installedArch: architecture },
        ...{
          candidate: '99',
          repository: 'security',
          security: index % 2 === 0,
          advisories: [`CVE-2026-${index % 40}`],
        },
        severity: index % 3 === 0 ? 'critical' : 'important',
        since: new Date(NOW.getTime() - ((index % 6) * 25 + at) * DAY).toISOString(),
      }),
    );
  const distribution = scope.split('/').slice(0, 2).join('/');
  await recordFindings(trx, { scope, distribution, packages, findings, now: NOW });
  await refreshScope(trx, scope);
}

/** The engine's own: known and running, twice under one digest, recorded nowhere, never built. */
async function addOwn(trx: DatabaseTransaction, digests: readonly string[]): Promise<void> {
  const image = { fleet: 'f', base_digest: null, recipe_digest: null, source: null, strategy: null, tried: null };
  const own = { ...image, tried_input: null, released: NOW, tag: 'x' };
  const names = [...digests, digests[0] as string, `sha256:${'e'.repeat(64)}`, null];
  const rows = names.map((digest, at) => ({ ...own, name: `own-${at}`, repository: `own/${at}`, digest }));
  await trx.insertInto('fleet_image').values(rows).execute();
  const place = { container: 'c', runtime: 'r', kind: 'container', namespace: '', name: 'n', image: 'i', replicas: 1 };
  const running = names.filter((digest) => digest !== null);
  await trx
    .insertInto('workload')
    .values(running.map((digest, at) => ({ ...place, id: `w${at}`, digest, seen: NOW })))
    .execute();
  // Two containers of one workload; and a copy that runs something else, by the digest of an index.
  const [first, second] = digests;
  await trx
    .insertInto('workload')
    .values({ ...place, id: 'w0', container: 'd', digest: first ?? null, seen: NOW })
    .execute();
  const index = `sha256:${'d'.repeat(64)}`;
  await sql`insert into image_digest (digest, image) select ${index}, id from image where digest = ${second}`.execute(
    trx,
  );
  await sql`insert into workload_replicas (id, container, digest, replicas) values ('w0', 'c', ${index}, 1)`.execute(
    trx,
  );
}

test('the numbers of a fleet are the sums of its images, however they are named, checked and graded', async () => {
  const images = [...new GeneratedFleet({ images: 300, layers: 60, seed: 5 }).images()];
  await database.transaction(async (trx) => {
    await recordImages(trx, images);
    const { rows } = await sql<{ scope: string }>`select distinct scope from image order by scope`.execute(trx);
    // One stays unchecked.
    for (const [at, { scope }] of rows.slice(0, -1).entries()) await check(trx, scope, at);
    await addOwn(
      trx,
      images.filter((_, at) => at % 13 === 0).map(({ digest }) => digest),
    );
  });
  const queries = databaseQueries({ database, clock: fixedClock(NOW.getTime()), inspect: () => assert.fail() });
  const totals = await queries.totals();
  const fleet = await queries.fleet();
  const sum = (of: (image: FleetImage) => number): number => fleet.images.reduce((all, image) => all + of(image), 0);
  const graded = (grade: string): number => fleet.images.filter((image) => image.grade === grade).length;
  const grades = Object.fromEntries(['A', 'B', 'C', 'D', 'E', 'F'].map((grade) => [grade, graded(grade)]));
  assert.ok(Object.values(grades).filter((count) => count > 0).length >= 3, JSON.stringify(grades));
  assert.ok(
    totals.findings > totals.security && totals.security > 100 && totals.workloads > 20,
    JSON.stringify(totals),
  );
  const named = await queries.outdated({ limit: 10_000 });
  assert.deepEqual(totals, {
    images: fleet.images.length,
    outdated: fleet.images.filter(({ findings }) => findings.total > 0).length,
    findings: sum(({ findings }) => findings.total),
    security: sum(({ findings }) => findings.security),
    advisories: new Set(named.images.flatMap((one) => one.findings.flatMap(({ advisories }) => advisories))).size,
    packages: sum(({ packages }) => packages),
    workloads: sum(({ workloads }) => workloads),
    grades,
  });
  assert.deepEqual(fleet.totals, totals);
});
