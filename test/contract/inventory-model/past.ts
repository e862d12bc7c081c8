import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../../src/database/index.ts';
import { compareVersions } from '../../../src/distro/index.ts';
import type { Finding } from '../../../src/inventory/index.ts';
import {
  fleetChanges,
  historyWithChanges,
  movedReferences,
  outdatedAll,
  packagesOfScope,
  recordFindings,
  recordImages,
  refreshScope,
  whereAdvisory,
  whereDigest,
  whereIs,
} from '../../../src/inventory/store/index.ts';
import { everyPage } from './every-page.ts';
import { DAY, type FleetImage, fleetOf, fleetSeed, START } from './random-fleet.ts';

type Packages = ReadonlyMap<string, string>;

const packagesOf = (image: FleetImage): Packages =>
  new Map([
    ...image.contents.packages.map(({ name, version }) => [name, version] as const),
    ...modulesOfImage(image).map(({ name, version }) => [name, version] as const),
  ]);

const modulesOfImage = ({ contents }: FleetImage) =>
  contents.languagePackages.filter(({ state }) => state === 'installed');

/** What a reference meant at a time: the last recording up to then. */
function meaning(images: readonly FleetImage[], reference: string, time: number): FleetImage | undefined {
  return images.findLast((image) => image.reference === reference && image.now.getTime() <= time);
}

/** `name from → to`, as both sides spell it. */
function changes(from: Packages, to: Packages): readonly string[] {
  return [...new Set([...from.keys(), ...to.keys()])]
    .filter((name) => from.get(name) !== to.get(name))
    .map((name) => `${name} ${from.get(name)} → ${to.get(name)}`)
    .sort();
}

const told = (rows: readonly { package: string; from: string | undefined; to: string | undefined }[]) =>
  rows.map((row) => `${row.package} ${row.from} → ${row.to}`).sort();

const referencesOf = (images: readonly FleetImage[]): readonly string[] =>
  [...new Set(images.flatMap(({ reference }) => reference ?? []))].sort();

/** History, changes between times, findings and fixes of random fleets, against a model in memory. */
export function pastContract(name: string, open: () => Promise<Database>): void {
  describe(`questions about a fleet: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());
    const record = async (images: readonly FleetImage[]): Promise<void> => {
      await database.transaction((trx) => recordImages(trx, images));
    };

    test('history and changes between any two times equal the model', async () => {
      await fc.assert(
        fc.asyncProperty(
          fleetSeed,
          fc.nat(12),
          fc.nat(12),
          fc.integer({ min: 1, max: 3 }),
          async (seed, a, b, limit) => {
            const id = randomUUID().slice(0, 8);
            const images = fleetOf(seed, id);
            await record(images);
            for (const reference of referencesOf(images)) {
              const named = images.filter((image) => image.reference === reference);
              // Moved twice within a tick, the last counts; the same digest again is no move.
              const steps = named
                .filter((image, at) => named[at + 1]?.now.getTime() !== image.now.getTime())
                .filter((image, at, all) => all[at - 1]?.digest !== image.digest);
              const rows = await everyPage((page) =>
                historyWithChanges(database.kysely, { reference, limit, ...page }),
              );
              assert.equal(rows[0]?.digest, steps.at(-1)?.digest);
              for (const [at, row] of rows.entries()) {
                const [now, then] = [rows[at], rows[at + 1]].map((one) =>
                  images.find((image) => image.digest === one?.digest),
                );
                if (then === undefined) assert.equal(row.changes, undefined);
                else
                  assert.deepEqual(told(row.changes ?? []), changes(packagesOf(then), packagesOf(now as FleetImage)));
              }
            }
            const [from, to] = [Math.min(a, b), Math.max(a, b)].map((day) => START + day * DAY + 1) as [number, number];
            const span = { from: new Date(from), to: new Date(to), imageGlob: `${id}/*` };
            const pairs = referencesOf(images)
              .map((reference) => ({
                reference,
                old: meaning(images, reference, from),
                now: meaning(images, reference, to),
              }))
              .filter(({ old, now }) => old?.digest !== now?.digest);
            const moved = await everyPage((page) => movedReferences(database.kysely, { ...span, limit, ...page }));
            assert.deepEqual(
              moved.map((row) => [row.reference, row.from, row.to]),
              pairs.map(({ reference, old, now }) => [reference, old?.digest, now?.digest]),
            );
            const wanted = pairs.flatMap(({ old, now }) =>
              old === undefined || now === undefined ? [] : changes(packagesOf(old), packagesOf(now)),
            );
            const rows = await everyPage((page) => fleetChanges(database.kysely, { ...span, limit, ...page }));
            assert.deepEqual(
              told(rows.flatMap((row) => Array.from({ length: row.images }, () => row))),
              wanted.toSorted(),
            );
            const { references } = await fleetChanges(database.kysely, span);
            assert.equal(references.added + references.removed + references.changed, pairs.length);
          },
        ),
        { numRuns: 8, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });

    test('findings with filters, fixes and digests equal the model', async () => {
      await fc.assert(
        fc.asyncProperty(fleetSeed, fc.integer({ min: 1, max: 3 }), async (seed, limit) => {
          const id = randomUUID().slice(0, 8);
          const images = fleetOf(seed, id);
          await record(images);
          const scope = `debian/${id}-0/amd64`;
          const cve = `CVE-${id}`;
          const library = `lib0-${id}`;
          const fixed = '1.9';
          const packages = await packagesOfScope(database.kysely, scope);
          const isOld = (version: string): boolean => compareVersions(version, fixed) < 0;
          const findings = packages
            .filter((item) => item.name === library && isOld(item.version))
            .map(
              (item): Finding => ({
                package: item.name,
                arch: 'amd64',
                installed: item.version,
                installedArch: 'amd64',
                candidate: fixed,
                repository: 'r',
                security: true,
                severity: 'critical',
                advisories: [cve],
                since: new Date(START).toISOString(),
              }),
            );
          await database.transaction(async (trx) => {
            await recordFindings(trx, {
              scope,
              distribution: `debian/${id}-0`,
              packages,
              findings,
              now: new Date(START),
            });
            await refreshScope(trx, scope);
          });
          const current = referencesOf(images).flatMap((reference) => meaning(images, reference, Infinity) ?? []);
          const inScope = current.filter((image) => image.contents.distribution?.name === `debian/${id}-0`);
          const missing = inScope.filter((image) => isOld(packagesOf(image).get(library) ?? '99'));
          const outdated = (more: Partial<Parameters<typeof outdatedAll>[1]>) =>
            everyPage((page) => outdatedAll(database.kysely, { imageGlob: `${id}/*`, limit, ...more, ...page }));
          for (const more of [
            {},
            { severity: 'critical' as const },
            { securityOnly: true, severity: 'important' as const },
            { since: new Date(START) },
            { distribution: `debian/${id}-0` },
          ]) {
            const rows = await outdated(more);
            assert.deepEqual(
              rows.map((row) => [row.reference, row.findings.length]),
              missing.map((image) => [image.reference, 1]),
            );
          }
          assert.deepEqual(await outdated({ since: new Date(START + 1) }), []);
          assert.deepEqual(await outdated({ distribution: `debian/${id}-1` }), []);
          const fixes = await everyPage((page) =>
            whereAdvisory(database.kysely, { advisory: cve, imageGlob: `${id}/*`, limit, ...page }),
          );
          const stateOf = (state: string) =>
            fixes.flatMap((row) => (row.state === state ? [row.reference] : [])).sort();
          assert.deepEqual(stateOf('missing'), missing.map((image) => image.reference).sort());
          if (missing.length > 0) {
            const having = inScope.filter((image) => {
              const version = packagesOf(image).get(library);
              return version !== undefined && !isOld(version);
            });
            assert.deepEqual(stateOf('fixed'), having.map((image) => image.reference).sort());
          }
          const layer = images.flatMap((image) => image.contents.layers)[0]?.diffId;
          if (layer !== undefined) {
            const rows = await everyPage((page) => whereDigest(database.kysely, { digest: layer, limit, ...page }));
            const distinct = new Map(images.map((image) => [image.digest, image]));
            const having = [...distinct.values()].filter((image) =>
              image.contents.layers.some((one) => one.diffId === layer),
            );
            assert.deepEqual(
              [...new Set(rows.map((row) => row.digest))].sort(),
              having.map((image) => image.digest).sort(),
            );
            assert.ok(rows.every((row) => row.role === 'layer'));
          }
          const typed = await whereIs(database.kysely, { package: library, type: 'npm' });
          assert.deepEqual(typed.rows, []);
        }),
        { numRuns: 8, interruptAfterTimeLimit: 60_000, endOnFailure: true },
      );
    });
  });
}
