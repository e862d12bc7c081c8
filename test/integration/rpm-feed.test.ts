import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as openpgp from 'openpgp';
import { fixedClock, homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { type Keyring, type RepositorySnapshot, readKeyring } from '../../src/distro/index.ts';
import { openWorkshop } from '../../src/engine/workshop/index.ts';
import { type NamedRepository, type OpenRepositoriesOptions, openRepositories } from '../../src/feed/index.ts';
import { type MirrorServer, type Paths, serveMirror } from '../support/debian-mirror.ts';
import { hasRpmTools, RpmWorld } from '../support/rpm-world.ts';

const installed = hasRpmTools('rpmbuild', 'createrepo_c');
const skipped = installed ? false : 'createrepo_c or rpmbuild not installed';
const NOW = Date.now();
const paths: Paths = new Map();
let world: RpmWorld;
let server: MirrorServer;
let folder: string;
let keyring: Keyring;
let armored: string;
let sign: (bytes: Buffer) => Promise<Buffer>;
let serial = 0;

/** Everything below a folder becomes what the server has below `name`. */
function publish(name: string, from: string): void {
  for (const key of [...paths.keys()]) if (key.startsWith(`debian/${name}/`)) paths.delete(key);
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    paths.set(`debian/${name}/${path.slice(from.length + 1)}`, readFileSync(path));
  }
}

const REPOMD = 'debian/updates/repodata/repomd.xml';

async function signRepomd(): Promise<void> {
  paths.set(`${REPOMD}.asc`, await sign(paths.get(REPOMD) as Buffer));
}

before(async () => {
  if (!installed) return;
  folder = await mkdtemp(join(tmpdir(), 'heraklit-'));
  world = await RpmWorld.create();
  server = await serveMirror(paths);
  const date = new Date(NOW - 86_400_000);
  const pair = await openpgp.generateKey({ userIDs: [{ name: 'test' }], date, format: 'object' });
  armored = pair.publicKey.armor();
  keyring = await readKeyring('test', [armored]);
  sign = async (bytes) => {
    const message = await openpgp.createMessage({ binary: Uint8Array.from(bytes) });
    const signed = await openpgp.sign({
      message,
      signingKeys: pair.privateKey,
      detached: true,
      date,
      format: 'armored',
    });
    return Buffer.from(signed as string);
  };
  const packages = await world.build([
    { name: 'one', evr: '1-1', arch: 'x86_64' },
    { name: 'two', evr: '3:2.0-1', tags: ['Obsoletes: old < 2'] },
  ]);
  const path = await world.repository('first', packages);
  await world.announce(path, [
    {
      id: 'X-1',
      type: 'security',
      severity: 'Low',
      issued: '2026-01-01',
      cves: ['CVE-2026-1'],
      packages: [{ name: 'one', evr: '1-1' }],
    },
  ]);
  const more = await world.build([{ name: 'one', evr: '2-1', arch: 'x86_64' }], 'more');
  await world.repository('second', [...packages, ...more], '--revision', '4000000000', '--set-timestamp-to-revision');
});
after(async () => {
  await server?.close();
  await world?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function open(named: Partial<NamedRepository> = {}, more: Partial<OpenRepositoriesOptions> = {}) {
  return openRepositories({
    distribution: 'fedora/42',
    architecture: 'x86_64',
    mirrors: { main: [], security: [], origin: 'the test' },
    cache: join(folder, `cache${serial}`),
    clock: fixedClock(NOW),
    attempts: 1,
    repositories: [{ name: 'updates', urls: [`${server.url}/updates/`], keyring, ...named }],
    ...more,
  });
}

const anew = (): void => {
  serial += 1;
};

const refused = (code: string) => (error: unknown) => isHeraklitError(error, code) || assert.fail(String(error));

/** Snapshots without the way to their files, which is another function each time. */
const toldOf = (snapshots: readonly RepositorySnapshot[]): readonly object[] =>
  snapshots.map(({ metadata: _, ...snapshot }) => snapshot);

test('a signed repository: packages, changes, and nothing asked twice', { skip: skipped }, async () => {
  anew();
  publish('updates', join(world.folder, 'first'));
  await signRepomd();
  const [snapshot] = await open();
  assert.equal(snapshot?.id, 'fedora/42/updates/x86_64');
  const [one, two] = [...(snapshot?.packages ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(
    [one?.name, one?.version, one?.architecture, one?.filename],
    ['one', '1-1', 'x86_64', 'Packages/one-1-1.x86_64.rpm'],
  );
  assert.match(one?.sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(
    [two?.version, two?.relations.replaces],
    ['3:2.0-1', [[{ name: 'old', operator: '<<', version: '2' }]]],
  );
  const announced = snapshot?.changes?.get('one')?.find(({ distributions }) => distributions === 'security');
  assert.deepEqual([announced?.version, announced?.urgency, announced?.advisories], ['1-1', 'low', ['CVE-2026-1']]);

  server.requests.length = 0;
  const first = [snapshot].flatMap((one) => one ?? []);
  assert.deepEqual(toldOf(await open()), toldOf(first));
  assert.deepEqual(server.requests, ['GET debian/updates/repodata/repomd.xml']);
  server.requests.length = 0;
  assert.deepEqual(toldOf(await open({}, { offline: true })), toldOf(first));
  assert.deepEqual(toldOf(await open({}, { maxAge: 60 })), toldOf(first));
  assert.deepEqual(server.requests, []);
});

test('what nobody vouches for is refused, and kept nowhere', { skip: skipped }, async () => {
  anew();
  publish('updates', join(world.folder, 'first'));
  await assert.rejects(open(), refused('FEED_UNTRUSTED'));
  await assert.rejects(
    open({}, { repositories: [{ name: 'updates', urls: [`${server.url}/updates`] }] }),
    refused('FEED_UNTRUSTED'),
  );
  await signRepomd();
  const wrong = Buffer.from(paths.get(REPOMD) as Buffer);
  wrong.write('9', wrong.indexOf('<size>') + 6);
  paths.set(REPOMD, wrong);
  await assert.rejects(open(), refused('RELEASE_UNSIGNED'));
  paths.set(`${REPOMD}.asc`, Buffer.from('-----BEGIN PGP SIGNATURE-----\n\nnonsense\n-----END PGP SIGNATURE-----\n'));
  await assert.rejects(open(), refused('RELEASE_UNSIGNED'));
  const other = await readKeyring('other', [
    (await openpgp.generateKey({ userIDs: [{ name: 'o' }], format: 'object' })).publicKey.armor(),
  ]);
  publish('updates', join(world.folder, 'first'));
  await signRepomd();
  await assert.rejects(open({ keyring: other }), refused('RELEASE_UNSIGNED'));
  await assert.rejects(open({}, { offline: true }), refused('FEED_OFFLINE'));
  // The user's own word, and a file of this machine, need no signature.
  assert.equal((await open({ trusted: true })).length, 1);
  const local = { name: 'local', urls: [`file://${join(world.folder, 'first')}`] };
  assert.equal((await open({}, { repositories: [local] })).length, 1);
});

test('metadata that is not what repomd.xml says is refused', { skip: skipped }, async () => {
  anew();
  publish('updates', join(world.folder, 'first'));
  await signRepomd();
  const primary = [...paths.keys()].find((path) => /primary\.xml/.test(path)) as string;
  const good = paths.get(primary) as Buffer;
  const bad = Buffer.from(good);
  bad[bad.length >> 1] = (bad[bad.length >> 1] as number) ^ 1;
  paths.set(primary, bad);
  await assert.rejects(open(), refused('FEED_HASH_MISMATCH'));
  // Another mirror has it whole.
  publish('mirror', join(world.folder, 'first'));
  paths.set('debian/mirror/repodata/repomd.xml.asc', paths.get(`${REPOMD}.asc`) as Buffer);
  assert.equal((await open({ urls: [`${server.url}/updates`, `${server.url}/mirror`] })).length, 1);
  anew();
  paths.delete(primary);
  await assert.rejects(open(), refused('FEED_NOT_FOUND'));
});

test('a mirror that falls back does not take fixes away again', { skip: skipped }, async () => {
  anew();
  publish('updates', join(world.folder, 'second'));
  await signRepomd();
  const newest = (snapshots: Awaited<ReturnType<typeof open>>): boolean =>
    snapshots[0]?.packages.some(({ version }) => version === '2-1') === true;
  assert.ok(newest(await open()));
  publish('updates', join(world.folder, 'first'));
  await signRepomd();
  assert.ok(newest(await open()));
  anew();
  assert.ok(!newest(await open()));
});

test('repositories by URL are for rpm alone; keys of the fleet file are read beside it', {
  skip: skipped,
}, async () => {
  anew();
  await assert.rejects(open({}, { distribution: 'debian/trixie' }), refused('FEED_REPOSITORIES_UNUSABLE'));
  publish('updates', join(world.folder, 'first'));
  await signRepomd();
  await writeFile(join(folder, 'key.asc'), armored);
  const shop = (key: string) =>
    openWorkshop({
      ...{ home: homeAt(join(folder, `home-${key}`)), log: silentLog, progress: silentProgress, folder },
      distributions: {
        'acme/3': { repositories: [{ name: 'base', urls: [`${server.url}/{architecture}/../updates`], keys: [key] }] },
        'fedora/42': { repositories: [{ name: 'base', urls: [`${server.url}/updates`], keys: [key] }] },
      },
    });
  const { snapshots } = await shop('key.asc').shelf('fedora/42', 'x86_64');
  assert.deepEqual([snapshots[0]?.id, snapshots[0]?.packages.length], ['fedora/42/base/x86_64', 2]);
  await assert.rejects(shop('missing.asc').shelf('fedora/42', 'x86_64'), refused('REPOSITORY_KEY_UNREADABLE'));
});
