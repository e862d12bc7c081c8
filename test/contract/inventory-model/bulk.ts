import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../../src/database/index.ts';
import { fleet, imageHistory, packagesOfScope, recordImages, whereIs } from '../../../src/inventory/store/index.ts';
import { type FleetImage, fleetOf, fleetSeed, START } from './random-fleet.ts';

const PAGE = 10_000;

/** Everything the inventory answers about a fleet, its own name taken out. */
async function answersOf(database: Database, images: readonly FleetImage[], id: string): Promise<unknown> {
  const reader = database.kysely;
  const references = [...new Set(images.flatMap(({ reference }) => reference ?? []))].sort();
  const names = [
    ...new Set(
      images.flatMap(({ contents }) => [...contents.packages, ...contents.languagePackages].map(({ name }) => name)),
    ),
  ].sort();
  const scopes = [`debian/${id}-0/amd64`, `debian/${id}-1/amd64`];
  const digests = new Map(images.map(({ digest }, at) => [digest as string, `image ${at}`]));
  const found = {
    fleet: (await fleet(reader, { imageGlob: `${id}/*`, now: new Date(START), limit: PAGE })).rows,
    histories: await Promise.all(references.map((reference) => imageHistory(reader, reference))),
    places: await Promise.all(names.map(async (name) => (await whereIs(reader, { package: name, limit: PAGE })).rows)),
    scopes: await Promise.all(scopes.map((scope) => packagesOfScope(reader, scope))),
  };
  const text = JSON.stringify(found).replaceAll(id, 'ID');
  const named = JSON.parse(text.replace(/sha256:[0-9a-f]{64}/g, (digest) => digests.get(digest) ?? 'layer'));
  for (const rows of named.places)
    rows.sort((a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return named;
}

/** Where a module is, each image under the references that mean it now. */
function placesOf(images: readonly FleetImage[], name: string): ReadonlySet<string> {
  const now = new Map(
    images.flatMap(({ reference, digest }) => (reference === undefined ? [] : [[reference, digest]])),
  );
  return new Set(
    images.flatMap(({ digest, contents }) => {
      const item = contents.languagePackages.find((one) => one.name === name && one.state === 'installed');
      if (item === undefined) return [];
      const layer = contents.layers.find(({ diffId }) => item.locations.some((one) => one.layer === diffId))?.diffId;
      const references = [...now].flatMap(([reference, meant]) => (meant === digest ? [reference] : []));
      const names = references.length === 0 ? [undefined] : references;
      return names.map((reference) => `${reference} ${digest} ${item.version} ${layer}`);
    }),
  );
}

/** Many at once is one by one, on every database. */
export function bulkContract(name: string, open: () => Promise<Database>): void {
  describe(`recording many at once: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());

    test('gives what one by one gives, however the batches are cut', async () => {
      await fc.assert(
        fc.asyncProperty(fleetSeed, fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), async (seed, cuts) => {
          const ids = [randomUUID().slice(0, 8), randomUUID().slice(0, 8)] as const;
          const [single, bulk] = [fleetOf(seed, ids[0]), fleetOf(seed, ids[1])];
          const results: [unknown[], unknown[]] = [[], []];
          const note = (to: unknown[], recorded: Awaited<ReturnType<typeof recordImages>>, images: typeof single) => {
            const places = new Map(images.map(({ digest }, at) => [digest as string, at]));
            for (const { added, base } of recorded) to.push([added, base && places.get(base.digest), base?.evidence]);
          };
          for (const image of single) {
            note(results[0], await database.transaction((trx) => recordImages(trx, [image])), single);
          }
          for (let at = 0, cut = 0; at < bulk.length; cut += 1) {
            const batch = bulk.slice(at, at + (cuts[cut % cuts.length] as number));
            note(results[1], await database.transaction((trx) => recordImages(trx, batch)), bulk);
            at += batch.length;
          }
          assert.deepEqual(results[1], results[0]);
          assert.deepEqual(await answersOf(database, bulk, ids[1]), await answersOf(database, single, ids[0]));
        }),
        { numRuns: 12, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });

    test('packages of languages are found page by page, by the lowest layer that has them', async () => {
      await fc.assert(
        fc.asyncProperty(fleetSeed, fc.integer({ min: 1, max: 5 }), async (seed, limit) => {
          const id = randomUUID().slice(0, 8);
          const images = fleetOf(seed, id);
          await database.transaction((trx) => recordImages(trx, images));
          for (const name of [`own0-${id}`, `own3-${id}`, `shared-${id}`, `locked-${id}`]) {
            const found: string[] = [];
            for (let after: string | undefined; ; ) {
              const query = after === undefined ? { package: name, limit } : { package: name, limit, after };
              const page = await whereIs(database.kysely, query);
              found.push(...page.rows.map((row) => `${row.reference} ${row.digest} ${row.version} ${row.layer}`));
              if (page.next === undefined) break;
              after = page.next;
            }
            assert.deepEqual(found.sort(), [...placesOf(images, name)].sort());
          }
        }),
        { numRuns: 8, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });
  });
}
