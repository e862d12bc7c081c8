import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import type { Database, DatabaseTransaction } from '../../../src/database/index.ts';
import { databaseQueries } from '../../../src/http/index.ts';
import {
  needingAttention,
  outdatedAll,
  packagesOfScope,
  recordFindings,
  recordImages,
  refreshScope,
  refreshStatistics,
  whereIs,
} from '../../../src/inventory/store/index.ts';
import { digestOf } from '../../../src/oci/index.ts';
import { type FleetImage, fleetOf, START } from './random-fleet.ts';

const IMAGES = 1_500;
const SETS = 25;
const PAGE = 10;

/** Images of one distribution that all have one version of `lib0-ID`, in a few package sets: the popular case. */
function popularFleet(id: string): readonly FleetImage[] {
  const event = { stack: 0, distribution: 0, reference: 0, sameTime: true };
  const [template] = fleetOf({ layers: [[[0, 1]]], stacks: [[0]], events: [event] }, id);
  const { contents } = template as FleetImage;
  const [library] = contents.packages;
  return Array.from({ length: IMAGES }, (_, at): FleetImage => {
    const pad = { ...(library as NonNullable<typeof library>), name: `pad${at % SETS}-${id}` };
    const own = {
      ...(contents.layers[0] as NonNullable<(typeof contents.layers)[0]>),
      diffId: digestOf(`${id} own ${at}`),
    };
    return {
      digest: digestOf(`${id} image ${at}`),
      reference: `${id}/team/app-${String(at).padStart(5, '0')}-${id}:1`,
      now: new Date(START),
      contents: {
        ...contents,
        packages: [...contents.packages, pad],
        layers: [...contents.layers, { ...own, packages: { added: [], changed: [], removed: [] } }],
      },
    };
  });
}

interface Touched {
  readonly scanned: number;
  readonly fetched: number;
}

/** Rows that this connection has read of each table, since it last told the server. */
async function counters(trx: DatabaseTransaction): Promise<ReadonlyMap<string, Touched>> {
  const { rows } = await sql<Touched & { relname: string }>`
    select relname, seq_tup_read::float8 as scanned, coalesce(idx_tup_fetch, 0)::float8 as fetched
    from pg_stat_xact_user_tables`.execute(trx);
  return new Map(rows.map((row) => [row.relname, row]));
}

/** Rows of tables that the work read in whole scans and through indexes. */
async function touched(
  database: Database,
  work: (trx: DatabaseTransaction) => Promise<unknown>,
): Promise<(...tables: readonly string[]) => Touched> {
  return database.transaction(async (trx) => {
    const first = await counters(trx);
    await work(trx);
    const last = await counters(trx);
    const read = (tables: readonly string[], how: keyof Touched): number =>
      tables.reduce((sum, table) => sum + (last.get(table)?.[how] ?? 0) - (first.get(table)?.[how] ?? 0), 0);
    return (...tables) => ({ scanned: read(tables, 'scanned'), fetched: read(tables, 'fetched') });
  });
}

/** What questions cost, in rows that are read: by the page or by distinct content, never by the size of the fleet. */
export function touchedContract(name: string, open: () => Promise<Database>): void {
  describe(`rows that questions read: ${name}`, () => {
    const id = randomUUID().slice(0, 8);
    const scope = `debian/${id}-0/amd64`;
    let database: Database;
    before(async () => {
      database = await open();
      const images = popularFleet(id);
      for (let at = 0; at < images.length; at += 500) {
        await database.transaction((trx) => recordImages(trx, images.slice(at, at + 500)));
      }
      await database.transaction(async (trx) => {
        const packages = await packagesOfScope(trx, scope);
        const outdated = packages.filter((item) => item.name === `pad3-${id}`);
        const findings = outdated.map((item) => ({
          package: item.name,
          arch: 'amd64',
          installed: item.version,
          installedArch: 'amd64',
          candidate: '99',
          repository: 'r',
          security: true,
          severity: 'critical' as const,
          advisories: [],
          since: new Date(START).toISOString(),
        }));
        const check = { scope, distribution: `debian/${id}-0`, packages, findings, now: new Date(START) };
        await recordFindings(trx, check);
        await refreshScope(trx, scope);
        await refreshStatistics(trx);
      });
    });
    after(() => database.close());

    test('where reads what its page shows, at the beginning and in the middle', async () => {
      const query = { package: `lib0-${id}`, limit: PAGE };
      let after: string | undefined;
      for (let page = 0; page < 8; page += 1) {
        const asked = after === undefined ? query : { ...query, after };
        const counts = await touched(database, async (trx) => {
          const answer = await whereIs(trx, asked);
          assert.equal(answer.rows.length, PAGE);
          after = answer.next;
        });
        const { scanned, fetched } = counts('image', 'image_reference');
        assert.equal(scanned, 0, `page ${page} scans`);
        // Of so few images a planner may read some sets as a whole, never all of them.
        assert.ok(fetched < IMAGES / 2, `page ${page} reads ${fetched} rows`);
      }
    });

    test('outdated reads each finding once, however many images miss it', async () => {
      const now = new Date(START);
      const glob = { imageGlob: `${id}/*` };
      for (const ask of [
        (trx: DatabaseTransaction) => outdatedAll(trx, { ...glob, limit: 1_000 }),
        (trx: DatabaseTransaction) => needingAttention(trx, { ...glob, limit: 1_000, now }),
      ]) {
        const counts = await touched(database, async (trx) => {
          const { rows } = await ask(trx);
          assert.equal(rows.length, IMAGES / SETS);
          assert.ok(rows.every(({ findings }) => findings.length === 1));
        });
        const checks = counts('package_check');
        assert.ok(checks.scanned + checks.fetched <= SETS + 1, `${checks.scanned + checks.fetched} checks read`);
        const sets = counts('package_set', 'package_version_sets');
        assert.deepEqual(sets, { scanned: 0, fetched: 0 });
      }
    });

    test('one image is found by its name without reading the others', async () => {
      const wanted = `app-00777-${id}`;
      const counts = await touched(database, async (trx) => {
        const inspect = async (): Promise<never> => assert.fail('nothing to inspect');
        const { outdated } = databaseQueries({ database: { ...database, kysely: trx }, inspect });
        const { images } = await outdated({ image: wanted });
        assert.equal(images[0]?.reference, `${id}/team/${wanted}:1`);
      });
      const { scanned, fetched } = counts('image', 'image_reference');
      assert.equal(scanned, 0);
      assert.ok(fetched <= 40, `${fetched} rows read`);
    });
  });
}
