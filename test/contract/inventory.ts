import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import type { Database } from '../../src/database/index.ts';
import { compareVersions, type DistributionName, type InstalledPackage } from '../../src/distro/index.ts';
import {
  type Finding,
  globMatches,
  type ImageContents,
  inRange,
  type LayerContents,
  parseVersionRange,
} from '../../src/inventory/index.ts';
import {
  endReference,
  findingsOfImage,
  fleet,
  imageHistory,
  listScopes,
  outdatedAll,
  packagesOfImage,
  packagesOfScope,
  recordFindings,
  recordImage,
  recordUnsupported,
  refreshScope,
  type WhereQuery,
  type WhereRow,
  whereIs,
} from '../../src/inventory/store/index.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const later = (days: number): Date => new Date(NOW.getTime() + days * 86_400_000);

function installed(name: string, version: string, architecture = 'amd64'): InstalledPackage {
  return {
    name,
    version,
    architecture,
    source: { name, version },
    essential: false,
    multiArch: 'no',
    relations: { depends: [], preDepends: [], recommends: [], conflicts: [], breaks: [], replaces: [], provides: [] },
    installedSize: 1,
    section: '',
    maintainer: '',
    homepage: '',
    hold: false,
    configured: true,
    conffiles: new Map(),
  };
}

/** A stack of layers, each `name=version` pairs it adds over the one below. */
function contents(distribution: string, stack: readonly (readonly string[])[]): ImageContents & { digest: Digest } {
  const state = new Map<string, string>();
  const layers: LayerContents[] = stack.map((pairs, index) => {
    const added: { name: string; architecture: string; version: string }[] = [];
    const changed: { name: string; architecture: string; version: string; from: string }[] = [];
    for (const pair of pairs) {
      const [name, version] = pair.split('=') as [string, string];
      const from = state.get(name);
      if (from === undefined) added.push({ name, architecture: 'amd64', version });
      else if (from !== version) changed.push({ name, architecture: 'amd64', version, from });
      state.set(name, version);
    }
    const diffId = digestOf(stack.slice(0, index + 1).join('|') + distribution);
    const packages = { added, changed, removed: [] };
    return {
      diffId,
      digest: diffId,
      compressedBytes: 10,
      bytes: 30,
      entries: 3,
      packages,
      wastedBytes: index,
      createdBy: undefined,
    };
  });
  return {
    digest: digestOf(JSON.stringify([distribution, stack])),
    distribution: {
      name: distribution as DistributionName,
      id: 'debian',
      versionId: '13',
      codename: 'trixie',
      prettyName: 'Debian',
    },
    architecture: 'amd64',
    packageDatabase: 'dpkg-status',
    ecosystem: 'deb',
    packages: [...state].map(([name, version]) => installed(name, version)),
    languagePackages: [],
    layers,
    tree: new Map(),
    packageSources: [],
    incomplete: [],
    config: undefined,
    annotations: {},
  };
}

const finding = (name: string, from: string, to: string, more: Partial<Finding> = {}): Finding => ({
  package: name,
  arch: 'amd64',
  installed: from,
  installedArch: 'amd64',
  candidate: to,
  repository: 'r',
  security: true,
  severity: 'important',
  advisories: ['CVE-2026-0001'],
  since: '2026-02-20T00:00:00.000Z',
  ...more,
});

type Found = Pick<WhereRow, 'reference' | 'version' | 'digest' | 'layer'>;

const byReference = (a: Found, b: Found): number => ((a.reference ?? '') < (b.reference ?? '') ? -1 : 1);

async function everyPage(database: Database, query: WhereQuery): Promise<readonly Found[]> {
  const rows: Found[] = [];
  let after: string | undefined;
  do {
    const page = await whereIs(database.kysely, after === undefined ? query : { ...query, after });
    rows.push(...page.rows.map(({ reference, version, digest, layer }) => ({ reference, version, digest, layer })));
    after = page.next;
  } while (after !== undefined);
  return rows;
}

/** What the inventory promises on every database. Each test keeps to a distribution and references of its own. */
export function inventoryContract(name: string, open: () => Promise<Database>): void {
  describe(`inventory contract: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(() => database.close());
    const unique = (): string => randomUUID().slice(0, 8);
    const record = (reference: string, image: ImageContents & { digest: Digest }, now = NOW) =>
      database.transaction((trx) => recordImage(trx, { digest: image.digest, contents: image, reference, now }));

    test('recording twice changes nothing; base is found by layers', async () => {
      const id = unique();
      const base = contents(`debian/${id}`, [['libc6=2.40-1']]);
      const app = contents(`debian/${id}`, [['libc6=2.40-1'], ['nginx=1.26-1']]);
      assert.equal((await record(`${id}/base:1`, base)).added, true);
      const first = await record(`${id}/app:1`, app);
      assert.deepEqual(first.base, { digest: base.digest, name: undefined, evidence: 'layers' });
      const again = await record(`${id}/app:1`, app, later(1));
      assert.deepEqual(again, { ...first, added: false });
      const history = await imageHistory(database.kysely, `${id}/app:1`);
      assert.deepEqual(
        history.map((row) => [row.digest, row.since, row.until, row.base]),
        [[app.digest, NOW.toISOString(), undefined, base.digest]],
      );
      const [row] = (await fleet(database.kysely, { imageGlob: `${id}/app*`, now: NOW })).rows;
      assert.equal(row?.baseReference, `${id}/base:1`);
      assert.equal(row?.packages, 2);
      assert.equal(row?.layers, 2);
      assert.equal(row?.bytes, 20);
      assert.equal(row?.wastedBytes, 1);
      assert.equal(row?.status, 'unchecked');
      assert.equal(row?.grade, undefined);
    });

    test('a reference that moves leaves history and is found by its new image alone', async () => {
      const id = unique();
      const one = contents(`debian/${id}`, [[`lib${id}=1.0`]]);
      const two = contents(`debian/${id}`, [[`lib${id}=1.1`]]);
      await record(`${id}:t`, one);
      await record(`${id}:t`, two, later(1));
      const history = await imageHistory(database.kysely, `${id}:t`);
      assert.deepEqual(
        history.map((row) => [row.digest, row.until]),
        [
          [two.digest, undefined],
          [one.digest, later(1).toISOString()],
        ],
      );
      const found = await whereIs(database.kysely, { package: `lib${id}` });
      assert.deepEqual(
        found.rows.map((row) => [row.version, row.reference, row.digest]),
        [
          ['1.0', undefined, one.digest],
          ['1.1', `${id}:t`, two.digest],
        ],
      );
      await database.transaction((trx) => endReference(trx, `${id}:t`, later(2)));
      assert.deepEqual((await fleet(database.kysely, { imageGlob: `${id}*`, now: NOW })).rows, []);
    });

    test('where equals a model of the fleet: ranges in Debian order, globs, layers, pages of any size', async () => {
      const id = unique();
      const versions = ['1.0~rc1', '1.0', '1.0-1', '1:0.1', '1.10', '1.9', '2.0+b1', '2.0'];
      const fleetOf: { reference: string; image: ReturnType<typeof contents> }[] = [];
      for (const [index, version] of versions.entries()) {
        // Recorded in an order that is not the versions' own; each version in several images and sets.
        for (let copy = 0; copy < 3; copy += 1) {
          const stack = [[`lib${id}=${version}`], [`app${id}${copy}=1`], ['pad=1']].slice(0, 1 + copy);
          const reference = `${id}/${copy % 2 === 0 ? 'web' : 'db'}_${index}:${copy}`;
          fleetOf.push({ reference, image: contents(`debian/${id}`, stack) });
        }
      }
      for (const { reference, image } of fleetOf) await record(reference, image);
      const cases: [string | undefined, string | undefined][] = [
        [undefined, undefined],
        ['<1.9', undefined],
        ['>=1.0 <2.0', `${id}/web*`],
        ['1.0', undefined],
        ['>=1:0', `*db_?:1`],
        ['>9:0', undefined],
        [undefined, `${id}/%`],
      ];
      for (const [versionRange, imageGlob] of cases) {
        const range = versionRange === undefined ? [] : parseVersionRange(versionRange);
        const wanted = fleetOf
          .map(({ reference, image }): Found => {
            const { version } = image.packages.find((item) => item.name === `lib${id}`) as InstalledPackage;
            return { reference, version, digest: image.digest, layer: image.layers[0]?.diffId };
          })
          .filter((row) => inRange(row.version, range, compareVersions))
          .filter((row) => imageGlob === undefined || globMatches(imageGlob, row.reference ?? ''))
          .sort((a, b) => compareVersions(a.version, b.version) || byReference(a, b));
        // Short pages are looked up, long ones joined.
        for (const limit of [1, 2, 5, 100, 2_000]) {
          const got = await everyPage(database, {
            package: `lib${id}`,
            limit,
            ...(versionRange === undefined ? {} : { versionRange }),
            ...(imageGlob === undefined ? {} : { imageGlob }),
          });
          const versionsOf = (rows: readonly { version: string }[]): string[] => rows.map((row) => row.version);
          assert.deepEqual(versionsOf(got), versionsOf(wanted));
          assert.deepEqual(got.toSorted(byReference), wanted.toSorted(byReference));
        }
      }
    });

    test('the layer of a package is the lowest that brought its version', async () => {
      const id = unique();
      const image = contents(`debian/${id}`, [[`lib${id}=1`], [`lib${id}=2`], ['pad=1']]);
      await record(`${id}:1`, image);
      const found = await whereIs(database.kysely, { package: `lib${id}` });
      assert.deepEqual(
        found.rows.map((row) => [row.version, row.layer]),
        [['2', image.layers[1]?.diffId]],
      );
    });

    test('where and fleet name the workloads that run an image', async () => {
      const id = unique();
      const image = contents(`debian/${id}`, [[`lib${id}=1`]]);
      await record(`${id}/a`, image);
      const workload = (name: string, container: string, digest: string | null) => ({
        id: `podman:${id}-${name}`,
        container,
        runtime: `podman-${id}`,
        kind: 'container',
        namespace: '',
        name,
        image: `${id}/a`,
        digest,
        replicas: 1,
        seen: NOW,
      });
      const values = [
        workload('web', 'one', image.digest),
        workload('web', 'two', image.digest),
        workload('db', 'one', image.digest),
        workload('other', 'one', digestOf(id)),
        workload('unknown', 'one', null),
      ];
      await database.transaction((trx) => trx.insertInto('workload').values(values).execute());
      // A copy of another workload runs it by the digest of an index.
      await sql`insert into image_digest (digest, image)
        select ${digestOf(`index ${id}`)}, id from image where digest = ${image.digest}`.execute(database.kysely);
      await sql`insert into workload_replicas (id, container, digest, replicas)
        values (${`podman:${id}-mixed`}, 'one', ${digestOf(`index ${id}`)}, 1)`.execute(database.kysely);
      for (const limit of [100, 2_000]) {
        const [found] = (await whereIs(database.kysely, { package: `lib${id}`, limit })).rows;
        assert.deepEqual(found?.workloads, [`podman:${id}-db`, `podman:${id}-mixed`, `podman:${id}-web`]);
        assert.equal(found.layer, image.layers[0]?.diffId);
      }
      const [row] = (await fleet(database.kysely, { imageGlob: `${id}/*`, now: NOW })).rows;
      assert.equal(row?.workloads, 3);
    });

    test('findings of a scope reach every image of it; grades follow; resolved ones leave', async () => {
      const id = unique();
      const scope = `debian/${id}/amd64`;
      const distribution = `debian/${id}`;
      const old = contents(distribution, [['libc6=1', 'pad=1']]);
      const child = contents(distribution, [['libc6=1', 'pad=1'], ['nginx=1']]);
      const fine = contents(distribution, [['libc6=2']]);
      await record(`${id}/a`, old);
      await record(`${id}/b`, child);
      await record(`${id}/c`, fine);
      assert.deepEqual(
        (await listScopes(database.kysely)).filter((row) => row.scope === scope),
        [{ scope, distribution, architecture: 'amd64' }],
      );
      const packages = await packagesOfScope(database.kysely, scope);
      assert.deepEqual(
        packages.map((item) => `${item.name}=${item.version}`),
        ['libc6=1', 'libc6=2', 'nginx=1', 'pad=1'],
      );
      const check = (findings: readonly Finding[], now: Date) =>
        database.transaction(async (trx) => {
          const change = await recordFindings(trx, { scope, distribution, packages, findings, now });
          await refreshScope(trx, scope);
          return change;
        });
      const urgent = finding('libc6', '1', '2', { severity: 'critical', since: '2026-02-25T00:00:00.000Z' });
      const bug = finding('pad', '1', '3', { security: false, severity: 'other', advisories: [] });
      assert.deepEqual(await check([urgent, bug], NOW), { outdated: 2, resolved: 0 });
      assert.deepEqual(await check([urgent, bug], later(1)), { outdated: 0, resolved: 0 });
      const rows = (await fleet(database.kysely, { imageGlob: `${id}/*`, now: NOW })).rows;
      assert.deepEqual(
        rows.map((row) => [row.reference, row.status, row.grade, row.findings, row.security, row.dropsAt]),
        [
          [`${id}/a`, 'checked', 'B', 2, 1, '2026-03-04T00:00:00.000Z'],
          [`${id}/b`, 'checked', 'B', 2, 1, '2026-03-04T00:00:00.000Z'],
          [`${id}/c`, 'checked', 'A', 0, 0, undefined],
        ],
      );
      const outdated = (await outdatedAll(database.kysely, { imageGlob: `${id}/*` })).rows;
      assert.deepEqual(
        outdated.map((row) => [row.reference, row.findings]),
        [
          [`${id}/a`, [urgent, bug]],
          [`${id}/b`, [urgent, bug]],
        ],
      );
      const secure = await outdatedAll(database.kysely, { imageGlob: `${id}/*`, securityOnly: true, limit: 1 });
      assert.deepEqual(secure.rows[0]?.findings, [urgent]);
      const next = await outdatedAll(database.kysely, {
        imageGlob: `${id}/*`,
        securityOnly: true,
        after: secure.next as string,
      });
      assert.deepEqual(
        next.rows.map((row) => row.reference),
        [`${id}/b`],
      );
      assert.deepEqual(await check([], later(2)), { outdated: 0, resolved: 2 });
      assert.deepEqual((await outdatedAll(database.kysely, { imageGlob: `${id}/*` })).rows, []);
      assert.deepEqual(await findingsOfImage(database.kysely, old.digest), []);
    });

    test('a new image of known package versions is graded at once; of unknown ones it is unchecked', async () => {
      const id = unique();
      const distribution = `debian/${id}`;
      const scope = `${distribution}/amd64`;
      await record(`${id}/a`, contents(distribution, [['libc6=1', 'pad=1']]));
      await database.transaction(async (trx) => {
        const packages = await packagesOfScope(trx, scope);
        await recordFindings(trx, { scope, distribution, packages, findings: [finding('libc6', '1', '2')], now: NOW });
        await refreshScope(trx, scope);
      });
      await record(`${id}/b`, contents(distribution, [['libc6=1']]));
      await record(`${id}/c`, contents(distribution, [['libc6=1', 'new=1']]));
      const rows = (await fleet(database.kysely, { imageGlob: `${id}/*`, now: NOW })).rows;
      assert.deepEqual(
        rows.map((row) => [row.reference, row.status, row.findings]),
        [
          [`${id}/a`, 'checked', 1],
          [`${id}/b`, 'checked', 1],
          [`${id}/c`, 'unchecked', 1],
        ],
      );
    });

    test('of several versions of an rpm package in one image the newest counts, as its manager has it', async () => {
      const id = unique();
      const distribution = `rhel/${id}`;
      const scope = `${distribution}/amd64`;
      const kernels = (...versions: string[]) => {
        const image = contents(distribution, [[`kernels=${versions.join('+')}`]]);
        return { ...image, ecosystem: 'rpm' as const, packages: versions.map((one) => installed(`kernel-${id}`, one)) };
      };
      await record(`${id}/both`, kernels('1-1', '2-1'));
      await record(`${id}/old`, kernels('1-1'));
      const check = (outdated: readonly string[]) =>
        database.transaction(async (trx) => {
          const packages = await packagesOfScope(trx, scope);
          const findings = outdated.map((one) => finding(`kernel-${id}`, one, '3-1', { severity: 'critical' }));
          await recordFindings(trx, { scope, distribution, packages, findings, now: NOW });
          await refreshScope(trx, scope);
        });
      const shown = async () =>
        (await outdatedAll(database.kysely, { imageGlob: `${id}/*` })).rows.map((row) => [
          row.reference,
          row.findings.map((one) => one.installed),
        ]);
      await check(['1-1', '2-1']);
      // Recorded after the check, it is summed up in another way.
      await record(`${id}/two`, { ...kernels('1-1', '2-1'), digest: digestOf(`${id} two`) });
      await record(`${id}/again`, kernels('2-1', '1-1'));
      const both = [['2-1']];
      assert.deepEqual(await shown(), [
        [`${id}/again`, ...both],
        [`${id}/both`, ...both],
        [`${id}/old`, ['1-1']],
        [`${id}/two`, ...both],
      ]);
      await check(['1-1']);
      assert.deepEqual(await shown(), [[`${id}/old`, ['1-1']]]);
      const rows = (await fleet(database.kysely, { imageGlob: `${id}/*`, now: NOW })).rows;
      assert.deepEqual(
        rows.map((row) => [row.status, row.findings]),
        [
          ['checked', 0],
          ['checked', 0],
          ['checked', 1],
          ['checked', 0],
        ],
      );
    });

    test('what nothing is known about says so and is graded F', async () => {
      const id = unique();
      const distribution = `plan9/${id}`;
      await record(`${id}/a`, contents(distribution, [['libc6=1']]));
      const nameless = { ...contents(`x/${id}`, [['pad=9']]), distribution: undefined };
      await record(`${id}/b`, nameless);
      await record(`${id}/c`, contents(distribution, []));
      await database.transaction((trx) =>
        recordUnsupported(trx, { scope: `${distribution}/amd64`, distribution, reason: 'no repository', now: NOW }),
      );
      const rows = (await fleet(database.kysely, { imageGlob: `${id}/*`, now: NOW })).rows;
      assert.deepEqual(
        rows.map((row) => [row.status, row.grade]),
        Array.from({ length: 3 }, () => ['unsupported', 'F']),
      );
      assert.equal(rows[0]?.reason, 'no repository');
    });

    test('packages of an image come back; an unknown digest is undefined', async () => {
      const id = unique();
      const image = contents(`debian/${id}`, [['b=1', 'a=2']]);
      await record(`${id}`, image);
      const packages = await packagesOfImage(database.kysely, image.digest);
      assert.deepEqual(
        packages?.map((item) => `${item.name}=${item.version}`),
        ['a=2', 'b=1'],
      );
      assert.equal(await packagesOfImage(database.kysely, digestOf(id)), undefined);
      assert.equal(await findingsOfImage(database.kysely, image.digest), undefined);
    });

    test('a cursor of another query is refused', async () => {
      await assert.rejects(fleet(database.kysely, { after: 'rubbish', now: NOW }), {
        code: 'INVENTORY_CURSOR_INVALID',
      });
      await assert.rejects(whereIs(database.kysely, { package: 'x', after: 'WyJhIl0' }), {
        code: 'INVENTORY_CURSOR_INVALID',
      });
    });
  });
}
