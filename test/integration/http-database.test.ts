import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fixedClock, isHeraklitError } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import type { InstalledPackage } from '../../src/distro/index.ts';
import { emit } from '../../src/events/index.ts';
import { createRemoteQueries, databaseEventStream, databaseQueries, serveHttp } from '../../src/http/index.ts';
import type { ImageContents } from '../../src/inventory/index.ts';
import { recordFindings, recordImage, refreshScope } from '../../src/inventory/store/index.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const folder = await mkdtemp(join(tmpdir(), 'heraklit-http-'));
const database = await openDatabase({ kind: 'embedded', directory: folder });
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const relations = {
  depends: [],
  preDepends: [],
  recommends: [],
  conflicts: [],
  breaks: [],
  replaces: [],
  provides: [],
};

function installed(name: string, version: string): InstalledPackage {
  return {
    name,
    version,
    architecture: 'amd64',
    source: { name, version },
    essential: false,
    multiArch: 'no',
    relations,
    installedSize: 1,
    section: '',
    maintainer: '',
    homepage: '',
    hold: false,
    configured: true,
    conffiles: new Map(),
  };
}

/** One layer for each list of `name=version`. */
function contents(stack: readonly (readonly string[])[]): ImageContents & { digest: Digest } {
  const pairs = (list: readonly string[]) =>
    list.map((pair) => {
      const [name = '', version = ''] = pair.split('=');
      return { name, architecture: 'amd64', version };
    });
  return {
    digest: digestOf(JSON.stringify(stack)),
    distribution: {
      name: 'debian/trixie',
      id: 'debian',
      versionId: '13',
      codename: 'trixie',
      prettyName: 'Debian 13',
    },
    architecture: 'amd64',
    packageDatabase: 'dpkg-status',
    ecosystem: 'deb',
    packages: pairs(stack.flat()).map(({ name, version }) => installed(name, version)),
    languagePackages: [],
    layers: stack.map((list, index) => {
      const diffId = digestOf(JSON.stringify(stack.slice(0, index + 1)));
      const packages = { added: pairs(list), changed: [], removed: [] };
      const sizes = { compressedBytes: 10, bytes: 30, entries: 3, wastedBytes: 0 };
      return { diffId, digest: diffId, ...sizes, packages, createdBy: undefined };
    }),
    tree: new Map(),
    packageSources: [],
    incomplete: [],
    config: undefined,
    annotations: {},
  };
}

const base = contents([['libc6=2.41-12', 'openssl=3.5.1-1']]);
const app = contents([['libc6=2.41-12', 'openssl=3.5.1-1'], ['nginx=1.26-3']]);
const scanned = contents([['zlib1g=1.3']]);
/** The base was recorded before usage was told. */
const used = { entry: [], files: new Map(), packages: new Map([['openssl', 'executable' as const]]) };

await database.transaction(async (trx) => {
  for (const [reference, image] of [
    ['fleet/base:stable', base],
    ['fleet/app:stable', { ...app, usage: used }],
    ['elsewhere/tool:1', scanned],
  ] as const) {
    await recordImage(trx, { digest: image.digest, contents: image, reference, now: NOW });
  }
  await recordFindings(trx, {
    scope: 'debian/trixie/amd64',
    distribution: 'debian/trixie',
    packages: [...app.packages, ...scanned.packages].map((item) => ({ ...item, ecosystem: 'deb' as const })),
    findings: [
      {
        package: 'openssl',
        arch: 'amd64',
        installed: '3.5.1-1',
        installedArch: 'amd64',
        candidate: '3.5.4-1',
        repository: 'debian/trixie-security/main/amd64',
        security: true,
        severity: 'important',
        advisories: ['CVE-2025-9230', 'CVE-2025-9231'],
        since: '2026-02-20T00:00:00.000Z',
      },
    ],
    now: NOW,
  });
  await refreshScope(trx, 'debian/trixie/amd64');
  const shared = {
    fleet: 'fleet',
    base_digest: null,
    recipe_digest: 'r',
    tried_input: null,
    tried: null,
    tag: 'stable',
  };
  await trx
    .insertInto('fleet_image')
    .values([
      { ...shared, name: 'base', repository: 'fleet/base', digest: base.digest, strategy: 'compose', released: NOW },
      { ...shared, name: 'app', repository: 'fleet/app', digest: app.digest, strategy: 'rebase', released: NOW },
      { ...shared, name: 'next', repository: 'fleet/next', digest: null, strategy: null, released: null },
    ])
    .execute();
  await trx
    .insertInto('quarantine')
    .values({ digest: app.digest, image: 'app', reason: 'x', found_by: 'verify', since: NOW, lifted: null, times: 1 })
    .execute();
  await trx
    .insertInto('workload')
    .values({
      id: 'podman:web',
      container: 'web',
      runtime: 'podman',
      kind: 'container',
      namespace: '',
      name: 'web',
      image: 'fleet/app:stable',
      digest: app.digest,
      replicas: 1,
      seen: NOW,
    })
    .execute();
});

const queries = databaseQueries({
  database,
  clock: fixedClock(NOW.getTime()),
  inspect: async (digest) => [base, app, scanned].find((one) => one.digest === digest) ?? assert.fail(digest),
});

test('a fleet joins what the engine made with what the inventory knows', async () => {
  const { totals, images } = await queries.fleet();
  assert.deepEqual(
    images.map(({ name, level, base: below, status, grade, findings, strategy, workloads }) => [
      name,
      level,
      below,
      status,
      grade,
      findings,
      strategy,
      workloads,
    ]),
    [
      ['base', 0, null, 'released', 'B', { total: 1, security: 1, advisories: 2 }, 'compose', 0],
      ['next', 0, null, 'unbuilt', null, { total: 0, security: 0, advisories: 0 }, null, 0],
      ['tool', 0, null, 'released', 'A', { total: 0, security: 0, advisories: 0 }, null, 0],
      ['app', 1, 'base', 'quarantined', 'B', { total: 1, security: 1, advisories: 2 }, 'rebase', 1],
    ],
  );
  const grades = { A: 1, B: 2, C: 0, D: 0, E: 0, F: 0 };
  assert.deepEqual(totals, {
    images: 4,
    outdated: 2,
    findings: 2,
    security: 2,
    advisories: 2,
    packages: 6,
    workloads: 1,
    grades,
  });
});

test('findings, places, layers, difference, workloads and the plan fit the API schemas', async (context) => {
  const { server, url } = await serveHttp(
    { queries, events: databaseEventStream(database) },
    { host: '127.0.0.1', port: 0, accounts: false },
  );
  context.after(() => server.close());
  const remote = createRemoteQueries(url);
  const [outdated] = (await remote.outdated({ image: 'app' })).images;
  assert.deepEqual(
    outdated?.findings.map((found) => [found.package, found.installed, found.candidate, found.advisories.length]),
    [['openssl', '3.5.1-1', '3.5.4-1', 2]],
  );
  assert.deepEqual(
    (await remote.outdated()).images.map(({ reference }) => reference),
    ['fleet/app:stable', 'fleet/base:stable'],
  );
  const referencesOf = async (usage: 'linked' | 'entrypoint') =>
    (await remote.outdated({ usage })).images.map(({ reference }) => reference);
  assert.deepEqual(outdated?.findings[0]?.linkedBy, 'executable');
  assert.deepEqual(await referencesOf('linked'), ['fleet/app:stable', 'fleet/base:stable']);
  assert.deepEqual(await referencesOf('entrypoint'), ['fleet/base:stable'], 'what is not known counts as used');
  const linked = (await remote.where({ package: 'nginx', usage: 'linked' })).places;
  assert.deepEqual(linked, []);
  const { places } = await remote.where({ package: 'openssl', version: '<3.5.4', image: 'fleet/*' });
  assert.deepEqual(places.map(({ reference, version, workloads }) => [reference, version, workloads]).sort(), [
    ['fleet/app:stable', '3.5.1-1', ['podman:web']],
    ['fleet/base:stable', '3.5.1-1', []],
  ]);
  assert.deepEqual(
    (await remote.layers(app.digest)).layers.map(({ added }) => added),
    [2, 1],
  );
  const { base: stands } = await remote.base('app');
  assert.deepEqual([stands?.reference, stands?.evidence, stands?.score], ['fleet/base:stable', 'layers', null]);
  await assert.rejects(remote.base('next'), (error) => isHeraklitError(error, 'HTTP_NOT_FOUND'));
  const diff = await remote.diff('base', 'fleet/app:stable');
  assert.deepEqual(diff.packages, [{ package: 'nginx', type: 'deb', arch: 'amd64', from: null, to: '1.26-3' }]);
  assert.equal(diff.sharedLayers, 1);
  const [workload] = (await remote.workloads()).workloads;
  assert.deepEqual([workload?.name, workload?.current, workload?.state], ['web', true, 'running']);
  assert.equal((await remote.plan()).status, 'empty');
  await assert.rejects(remote.layers('next'), (error) => isHeraklitError(error, 'HTTP_NOT_FOUND'));
  await assert.rejects(
    remote.where({ package: 'openssl', version: '<<<' }),
    (error) => isHeraklitError(error) && error.kind === 'usage',
  );
});

test('what is committed to the outbox reaches an open stream', async (context) => {
  const { server, url } = await serveHttp(
    { queries, events: databaseEventStream(database) },
    { host: '127.0.0.1', port: 0, accounts: false },
  );
  context.after(() => server.close());
  const announce = (key: string) =>
    database.transaction((trx) =>
      emit(trx, { type: 'io.heraklit.image.built', subject: 'fleet/app:stable', data: {}, key }),
    );
  await announce('one');
  const abort = new AbortController();
  const seen: string[] = [];
  for await (const event of createRemoteQueries(url).followEvents(0, abort.signal)) {
    seen.push(event.type);
    if (seen.length === 1) await announce('two');
    else abort.abort();
  }
  assert.deepEqual(seen, ['io.heraklit.image.built', 'io.heraklit.image.built']);
});
