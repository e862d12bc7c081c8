import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Database } from '../../../src/database/index.ts';
import {
  containersRunning,
  findingsOfImage,
  type HostReport,
  listHosts,
  outdatedAll,
  packagesOfScope,
  type ReportedContainer,
  recordFindings,
  recordImages,
  recordReport,
  refreshScope,
  whereIs,
} from '../../../src/inventory/store/index.ts';
import { type FleetImage, fleetOf, START } from './random-fleet.ts';

const at = (seconds: number): Date => new Date(START + seconds * 1_000);
const ENTRIES = Array.from({ length: 2 }, (_, layer) => [
  [0, layer],
  [1, 3],
]) as unknown as readonly (readonly (readonly [number, number])[])[];

/** Two images of one distribution: `web-0` and `db-1`, with lib0 in two versions and lib1 in one. */
function twoImages(id: string): readonly [FleetImage, FleetImage] {
  const event = { distribution: 0, sameTime: true };
  const events = [
    { ...event, stack: 0, reference: 0 },
    { ...event, stack: 1, reference: 1 },
  ];
  return fleetOf({ layers: ENTRIES, stacks: [[0], [1]], events }, id) as unknown as readonly [FleetImage, FleetImage];
}

const container = (id: string, more: Partial<ReportedContainer>): ReportedContainer => ({
  id,
  engine: 'podman',
  name: `name-${id}`,
  image: null,
  digests: [],
  restartDue: false,
  packages: [],
  ...more,
});

const runs = (name: string, loaded: string | null, installed = loaded ?? '?', restartDue = false) => ({
  package: name,
  loaded,
  installed,
  restartDue,
});

/** What hosts report is joined to the versions that images have, and is forgotten when they stop. */
export function hostsContract(name: string, open: () => Promise<Database>): void {
  describe(`hosts that report: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());

    const world = async () => {
      const id = randomUUID().slice(0, 8);
      const images = twoImages(id);
      await database.transaction((trx) => recordImages(trx, images));
      const distribution = `debian/${id}-0`;
      const scope = `${distribution}/amd64`;
      const packages = await packagesOfScope(database.kysely, scope);
      const findings = packages.map((item) => ({
        ...{ package: item.name, arch: 'amd64', installed: item.version, installedArch: 'amd64', candidate: '99' },
        ...{
          repository: 'r',
          security: true,
          severity: 'critical' as const,
          advisories: [],
          since: at(0).toISOString(),
        },
      }));
      await database.transaction(async (trx) => {
        await recordFindings(trx, { scope, distribution, packages, findings, now: at(0) });
        await refreshScope(trx, scope);
      });
      const tell = (
        containers: readonly ReportedContainer[],
        now: Date,
        more: Partial<HostReport> = {},
        account = 'a',
      ) => {
        const stamp = now.toISOString();
        const report = { observedAt: stamp, sentAt: stamp, validFor: 60, unread: 0, ...more, containers };
        const host = { id: `host-${id}`, name: `n-${id}` };
        return database.transaction((trx) => recordReport(trx, { host, ...report }, { now, account }));
      };
      const loaded = async (now: Date, usage?: 'loaded') => {
        const { rows } = await outdatedAll(database.kysely, {
          imageGlob: `${id}/*`,
          now,
          ...(usage === undefined ? {} : { usage }),
        });
        return rows.flatMap(({ reference, findings: list }) =>
          list.flatMap((one) =>
            (one.loadedIn ?? []).map(({ container: box, version, restartDue }) => {
              assert.equal(one.usage, 'loaded');
              return [reference, one.package, box, version, restartDue];
            }),
          ),
        );
      };
      const [web, db] = images;
      const [lib0, lib1] = [`lib0-${id}`, `lib1-${id}`];
      const versionOf = (image: FleetImage, wanted: string): string =>
        image.contents.packages.find((item) => item.name === wanted)?.version ?? assert.fail(wanted);
      return { id, web, db, lib0, lib1, versionOf, tell, loaded, reader: database.kysely };
    };

    test('a finding says where its version runs; another version, and an expired report, say nothing', async () => {
      const { id, web, db, lib0, lib1, versionOf, tell, loaded, reader } = await world();
      const [old, other] = [versionOf(web, lib0), versionOf(db, lib0)];
      assert.notEqual(old, other);
      const outcome = await tell(
        [
          container('one', { digests: [web.digest], packages: [runs(lib0, old, old)] }),
          // Updated inside, and restarted or not.
          container('two', { digests: [web.digest], packages: [runs(lib0, '99')] }),
          container('three', { digests: [web.digest], packages: [runs(lib0, old, '99', true)], restartDue: true }),
          container('four', { digests: [db.digest], packages: [runs(lib1, null, '99', true)], restartDue: true }),
          container('five', { digests: [`sha256:${'0'.repeat(64)}`], packages: [runs(lib0, old)] }),
          container('six', { digests: ['{x,"y'], image: 'not an image!' }),
        ],
        at(0),
      );
      assert.deepEqual([outcome.accepted, outcome.containers, outcome.known], [true, 6, 4]);
      const [webName, dbName] = [web.reference, db.reference];
      const found = [
        [dbName, lib1, 'four', null, true],
        [webName, lib0, 'three', old, true],
        [webName, lib0, 'one', old, false],
      ];
      assert.deepEqual(await loaded(at(59)), found);
      assert.deepEqual(await loaded(at(59), 'loaded'), found);
      const one = await findingsOfImage(reader, web.digest, at(59));
      assert.deepEqual(
        one?.map((finding) => [finding.package, finding.usage]),
        [
          [lib0, 'loaded'],
          [lib1, undefined],
        ],
      );
      const places = (await whereIs(reader, { package: lib0, usage: 'loaded', now: at(59) })).rows;
      assert.deepEqual(
        places.map((row) => [row.reference, row.loadedIn?.map((box) => [box.container, box.host])]),
        [
          [
            webName,
            [
              ['three', `n-${id}`],
              ['one', `n-${id}`],
            ],
          ],
        ],
      );
      assert.equal((await containersRunning(reader, web.digest, at(59))).length, 3);
      assert.equal((await containersRunning(reader, `sha256:${'0'.repeat(64)}`, at(59))).length, 1);
      assert.deepEqual(await loaded(at(61)), []);
      assert.deepEqual(await loaded(at(61), 'loaded'), []);
      assert.deepEqual((await whereIs(reader, { package: lib0, usage: 'loaded', now: at(61) })).rows, []);
      const host = (await listHosts(reader, { now: at(61), limit: 10_000 })).rows.find(
        (row) => row.id === `host-${id}`,
      );
      assert.deepEqual([host?.current, host?.containers.length], [false, 6]);
    });

    test('the next report replaces it all; a version keeps the time it was first seen', async () => {
      const { web, lib0, lib1, versionOf, tell, loaded, reader } = await world();
      const old = versionOf(web, lib0);
      const box = (packages: ReportedContainer['packages']) => container('one', { digests: [web.digest], packages });
      await tell([box([runs(lib0, old)]), container('gone', {})], at(0));
      await tell([box([runs(lib0, old), runs(lib1, '1')])], at(30));
      const [first] = await containersRunning(reader, web.digest, at(31));
      assert.deepEqual(
        first?.packages.map(({ package: own, since }) => [own, since]),
        [
          [lib0, at(0).toISOString()],
          [lib1, at(30).toISOString()],
        ],
      );
      assert.equal((await loaded(at(89))).length, 1);
      // What waited while the server was away, and comes late; its order is known by the host's own clock.
      const late = await tell([box([])], at(40), {
        observedAt: at(-500).toISOString(),
        sentAt: at(-490).toISOString(),
      });
      assert.equal(late.accepted, false);
      assert.equal((await loaded(at(41))).length, 1);
      // A clock that is days off: only the time between looking and sending counts.
      await tell([box([runs(lib0, old)])], at(100), {
        observedAt: at(900_000).toISOString(),
        sentAt: at(900_020).toISOString(),
      });
      assert.equal((await loaded(at(139))).length, 1);
      assert.equal((await loaded(at(141))).length, 0, 'it looked twenty seconds before it could send');
      await tell([], at(200), { observedAt: at(900_200).toISOString(), sentAt: at(900_200).toISOString() });
      assert.deepEqual(await containersRunning(reader, web.digest, at(201)), []);
    });

    test('nobody else speaks for a host while it counts', async () => {
      const { web, tell, reader } = await world();
      const box = [container('one', { digests: [web.digest] })];
      await tell(box, at(0));
      await assert.rejects(tell([], at(10), {}, 'b'), { code: 'INVENTORY_HOST_TAKEN' });
      assert.equal((await containersRunning(reader, web.digest, at(11))).length, 1);
      assert.equal((await tell([], at(61), {}, 'b')).accepted, true);
      assert.equal(
        (await tell([], at(62), { validFor: 10 ** 9 }, 'b')).expires.getTime(),
        at(62 + 7 * 86_400).getTime(),
      );
    });

    test('an image is known by its name where no digest is told, and once the inventory has it', async () => {
      const { id, web, lib0, versionOf, tell, loaded } = await world();
      const version = versionOf(web, lib0);
      const image = `registry.example/${id}/app:1`;
      const box = container('one', { image, packages: [runs(lib0, version)] });
      assert.equal((await tell([box], at(0))).known, 0);
      await database.transaction((trx) => recordImages(trx, [{ ...web, reference: image, now: at(1) }]));
      assert.equal((await tell([box], at(2))).known, 1);
      assert.ok((await loaded(at(3))).some(([reference]) => reference === web.reference));
    });
  });
}
