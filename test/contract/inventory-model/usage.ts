import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../../src/database/index.ts';
import {
  findingsOfImage,
  imagesWithUsage,
  outdatedAll,
  packagesOfScope,
  type RecordImage,
  recordFindings,
  recordImages,
  refreshScope,
  whereIs,
} from '../../../src/inventory/store/index.ts';
import type { ImageUsage, LinkedBy, UsageFilter } from '../../../src/inventory/usage/index.ts';
import { everyPage } from './every-page.ts';
import { type FleetImage, fleetOf, fleetSeed, START } from './random-fleet.ts';

const WAYS = ['entrypoint', 'executable', 'library', undefined] as const;

/** Of each package of an image somebody needs it, or nobody does. */
function usageOf({ contents }: FleetImage, picks: readonly number[]): ImageUsage {
  const packages = new Map<string, LinkedBy>();
  for (const [at, { name }] of contents.packages.entries()) {
    const by = WAYS[(picks[at % picks.length] as number) % WAYS.length];
    if (by !== undefined) packages.set(name, by);
  }
  return { entry: [], files: new Map(), packages };
}

const passes = (filter: UsageFilter | undefined, usage: ImageUsage | undefined, name: string): boolean => {
  if (filter === undefined || usage === undefined) return true;
  const by = usage.packages.get(name);
  return filter === 'entrypoint' ? by === 'entrypoint' : by !== undefined;
};

const told = (usage: ImageUsage | undefined, name: string): string =>
  usage === undefined ? 'unknown' : (usage.packages.get(name) ?? 'contained');

/** What is recorded of usage is what each image said, whoever shares its packages; what is not known stays unknown. */
export function usageContract(name: string, open: () => Promise<Database>): void {
  describe(`usage of packages: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());

    test('findings and places say how a package is used, and are left out by it', async () => {
      const picks = fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(fleetSeed, picks, fc.integer({ min: 1, max: 5 }), async (seed, choices, limit) => {
          const id = randomUUID().slice(0, 8);
          const usages = new Map<string, ImageUsage | undefined>();
          const images = fleetOf(seed, id).map((image, at): FleetImage => {
            // Every third is of a time when usage was not told.
            if (!usages.has(image.digest)) {
              const own = choices[at % choices.length] as readonly number[];
              usages.set(image.digest, at % 3 === 2 ? undefined : usageOf(image, own));
            }
            const usage = usages.get(image.digest);
            return usage === undefined ? image : { ...image, contents: { ...image.contents, usage } };
          });
          await database.transaction((trx) => recordImages(trx, images));
          const digests = [...usages.keys()];
          const known = digests.filter((digest) => usages.get(digest) !== undefined);
          assert.deepEqual([...(await imagesWithUsage(database.kysely, digests))].sort(), known.sort());
          for (const at of [0, 1]) await outdateEverything(database, `debian/${id}-${at}`);
          await compare(database, id, images, usages, limit);
          // Read again, as crawls do: what was unknown is known then.
          const again = images.map(({ reference: _, ...image }): RecordImage => {
            const usage = usages.get(image.digest) ?? usageOf(image, choices[0] as readonly number[]);
            usages.set(image.digest, usage);
            return { ...image, contents: { ...image.contents, usage } };
          });
          await database.transaction((trx) => recordImages(trx, again));
          assert.equal((await imagesWithUsage(database.kysely, digests)).size, digests.length);
          await compare(database, id, images, usages, limit);
        }),
        { numRuns: 8, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });
  });
}

async function outdateEverything(database: Database, distribution: string): Promise<void> {
  const scope = `${distribution}/amd64`;
  const now = new Date(START);
  const packages = await packagesOfScope(database.kysely, scope);
  const findings = packages.map((item) => ({
    ...{ package: item.name, arch: 'amd64', installed: item.version, installedArch: item.architecture },
    ...{ candidate: '99', repository: 'r', security: true, severity: 'critical' as const, advisories: [] },
    since: now.toISOString(),
  }));
  await database.transaction(async (trx) => {
    await recordFindings(trx, { scope, distribution, packages, findings, now });
    await refreshScope(trx, scope);
  });
}

async function compare(
  database: Database,
  id: string,
  images: readonly FleetImage[],
  usages: ReadonlyMap<string, ImageUsage | undefined>,
  limit: number,
): Promise<void> {
  const reader = database.kysely;
  const byDigest = new Map(images.map((image) => [image.digest as string, image]));
  const current = new Map(images.flatMap((image) => (image.reference === undefined ? [] : [[image.reference, image]])));
  const names = new Set(images.flatMap(({ contents }) => contents.packages.map((item) => item.name)));
  for (const usage of [undefined, 'linked', 'entrypoint'] as const) {
    const asked = usage === undefined ? {} : { usage };
    const rows = await everyPage((page) => outdatedAll(reader, { imageGlob: `${id}/*`, limit, ...asked, ...page }));
    const found = rows.map(({ reference, findings }) => [
      reference,
      findings.map((one) => `${one.package} ${one.linkedBy ?? one.usage ?? 'unknown'}`).sort(),
    ]);
    const wanted = [...current].flatMap(([reference, { digest, contents }]) => {
      const own = usages.get(digest);
      const list = contents.packages.filter((item) => passes(usage, own, item.name));
      if (!contents.distribution?.name.match(/-[01]$/)) return [];
      return list.length === 0 ? [] : [[reference, list.map((item) => `${item.name} ${told(own, item.name)}`).sort()]];
    });
    assert.deepEqual(
      found,
      wanted.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
    );
    for (const wantedName of names) {
      const places = await everyPage((page) => whereIs(reader, { package: wantedName, limit, ...asked, ...page }));
      const here = [...new Set(places.map((row) => `${row.digest} ${row.linkedBy ?? row.usage ?? 'unknown'}`))].sort();
      const having = [...byDigest].flatMap(([digest, { contents }]) => {
        const has = contents.packages.some((item) => item.name === wantedName);
        const own = usages.get(digest);
        return has && passes(usage, own, wantedName) ? [`${digest} ${told(own, wantedName)}`] : [];
      });
      assert.deepEqual(here, having.sort());
    }
  }
  for (const [digest] of byDigest) {
    const entry = (await findingsOfImage(reader, digest))?.map(({ linkedBy }) => linkedBy === 'entrypoint') ?? [];
    assert.deepEqual(
      entry,
      entry.toSorted((a, b) => Number(b) - Number(a)),
      'the entry point first',
    );
  }
}
