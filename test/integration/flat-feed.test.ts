import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { createMessage, generateKey, sign } from 'openpgp';
import { type Clock, isHeraklitError } from '../../src/base/index.ts';
import { type ApkSigner, apkSigner, buildApk, buildApkIndex } from '../../src/distro/testing/apk-packages.ts';
import { buildArch, buildArchDatabase } from '../../src/distro/testing/arch-packages.ts';
import { exportBundle, importBundle } from '../../src/feed/bundle/index.ts';
import { type OpenRepositoriesOptions, openRepositories } from '../../src/feed/index.ts';
import { type MirrorServer, type Paths, serveMirror } from '../support/debian-mirror.ts';

const DAY = 24 * 3_600_000;
const MAIN = 'debian/v3.22/main/x86_64/APKINDEX.tar.gz';
const COMMUNITY = 'debian/v3.22/community/x86_64/APKINDEX.tar.gz';

const openssl = (version: string, buildTime: number) =>
  buildApk({ name: 'libssl3', version, origin: 'openssl', buildTime });
const OLD = openssl('3.5.0-r0', 1_700_000_000);
const NEW = openssl('3.5.1-r0', 1_720_000_000);
const TOOL = buildApk({ name: 'tool', version: '1.0-r0' });

let signer: ApkSigner;
let server: MirrorServer;
let second: MirrorServer;
let paths: Paths;
let cache: string;
let now: number;
const clock: Clock = { now: () => now };

before(async () => {
  signer = apkSigner();
  paths = new Map();
  server = await serveMirror(paths);
  second = await serveMirror(paths);
});
after(async () => {
  await server.close();
  await second.close();
});
beforeEach(async (context) => {
  cache = await mkdtemp(join(tmpdir(), 'flat-feed-'));
  if ('after' in context) context.after(() => rm(cache, { recursive: true, force: true }));
  now = Date.UTC(2026, 0, 1);
  for (const mirror of [server, second]) mirror.intercept = undefined;
  paths.clear();
  paths.set(MAIN, buildApkIndex([OLD], signer));
  paths.set(COMMUNITY, buildApkIndex([TOOL], signer));
  server.requests.length = 0;
});

const open = (more: Partial<OpenRepositoriesOptions> = {}) =>
  openRepositories({
    distribution: 'alpine/3.22',
    architecture: 'x86_64',
    mirrors: { main: [server.url], security: [], origin: 'the test' },
    cache,
    clock,
    keyFiles: [signer],
    attempts: 1,
    ...more,
  });

const versions = async (more: Partial<OpenRepositoriesOptions> = {}): Promise<readonly string[]> =>
  (await open(more)).flatMap(({ packages }) => packages.map(({ name, version }) => `${name} ${version}`));

test('main and community, each verified, with where their packages lie', async () => {
  const snapshots = await open();
  assert.deepEqual(
    snapshots.map(({ id, component, date, packages }) => [id, component, date, packages[0]?.filename]),
    [
      ['alpine/3.22/main/x86_64', 'main', 1_700_000_000, 'v3.22/main/x86_64/libssl3-3.5.0-r0.apk'],
      ['alpine/3.22/community/x86_64', 'community', 1_700_000_000, 'v3.22/community/x86_64/tool-1.0-r0.apk'],
    ],
  );
  assert.deepEqual(await versions({ components: ['main'] }), ['libssl3 3.5.0-r0']);
});

test('an unchanged index is not sent again, a recent one not asked for, a cached one not needed from the net', async () => {
  await open();
  let sent = 0;
  server.intercept = (_path, request) => {
    if (request.headers['if-none-match'] === undefined) sent += 1;
    return false;
  };
  await open();
  assert.equal(sent, 0);
  server.requests.length = 0;
  await open({ maxAge: 3600 });
  assert.deepEqual(server.requests, []);
  await server.close().then(async () => {
    assert.equal((await open({ offline: true })).length, 2);
    const port = new URL(server.url).port;
    await assert.rejects(open({ mirrors: { main: [`http://127.0.0.1:${port}/debian`], security: [], origin: 'x' } }), {
      code: 'FEED_UNREACHABLE',
    });
  });
  server = await serveMirror(paths);
});

test('without a cache offline is an error', async () => {
  await assert.rejects(open({ offline: true }), { code: 'FEED_OFFLINE' });
});

test('a mirror that went back is not followed within a week', async () => {
  paths.set(MAIN, buildApkIndex([NEW], signer));
  assert.deepEqual(await versions(), ['libssl3 3.5.1-r0', 'tool 1.0-r0']);
  paths.set(MAIN, buildApkIndex([OLD], signer));
  now += DAY;
  assert.deepEqual(await versions(), ['libssl3 3.5.1-r0', 'tool 1.0-r0']);
  now += 8 * DAY;
  assert.deepEqual(await versions(), ['libssl3 3.5.0-r0', 'tool 1.0-r0']);
});

test('what nobody signed, or another, is refused and never kept', async () => {
  await open();
  const unsigned = buildApkIndex([NEW]);
  const foreign = buildApkIndex([NEW], apkSigner(signer.name));
  for (const bytes of [unsigned, foreign, Buffer.from('<html>captive portal</html>')]) {
    paths.set(MAIN, bytes);
    await assert.rejects(open(), (error) => isHeraklitError(error, 'DISTRO_INDEX_UNSIGNED', 'DISTRO_INDEX_INVALID'));
  }
  assert.deepEqual(await versions({ offline: true }), ['libssl3 3.5.0-r0', 'tool 1.0-r0']);
  paths.set(MAIN, unsigned);
  assert.deepEqual(await versions({ trusted: true }), ['libssl3 3.5.1-r0', 'tool 1.0-r0']);
  // What was taken unsigned is not believed by whoever asks for signatures, with the network or without.
  await assert.rejects(open({ offline: true }), { code: 'DISTRO_INDEX_UNSIGNED' });
});

test('the next mirror is asked, with a warning of the first', async () => {
  server.intercept = (_path, _request, response) => {
    response.writeHead(503).end();
    return true;
  };
  const mirrors = { main: [server.url, second.url], security: [], origin: 'the test' };
  assert.deepEqual(await versions({ mirrors }), ['libssl3 3.5.0-r0', 'tool 1.0-r0']);
});

test('keys: those of the image where no others are known, never against those that ship', async () => {
  const wolfi = 'debian/x86_64/APKINDEX.tar.gz';
  paths.set(wolfi, buildApkIndex([OLD], signer));
  const { keyFiles: _, ...none } = { keyFiles: undefined };
  const rolling = { distribution: 'wolfi/rolling', ...none };
  const asked = (more: Partial<OpenRepositoriesOptions>) =>
    openRepositories({
      architecture: 'x86_64',
      mirrors: { main: [server.url], security: [], origin: 'the test' },
      cache,
      clock,
      attempts: 1,
      ...rolling,
      ...more,
    });
  await assert.rejects(asked({}), { code: 'FEED_UNTRUSTED' });
  const [snapshot] = await asked({ imageKeys: [signer] });
  assert.equal(snapshot?.id, 'wolfi/rolling/os/x86_64');
  assert.equal(snapshot?.packages[0]?.filename, 'x86_64/libssl3-3.5.0-r0.apk');
  await assert.rejects(asked({ distribution: 'alpine/3.22', imageKeys: [signer] }), { code: 'DISTRO_INDEX_UNSIGNED' });
});

test('an index of version 3 under its own name', async () => {
  const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/apk/${name}`, import.meta.url));
  const key = 'test@example.com-1.rsa.pub';
  paths.delete(MAIN);
  paths.set('debian/v3.22/main/x86_64/Packages.adb', fixture('Packages.deflate.adb'));
  const keyFiles = [{ name: key, content: fixture(key).toString() }];
  const found = await versions({ components: ['main'], keyFiles });
  assert.deepEqual(found, ['hello 1.0-r0', 'hello 1.1_rc1-r0', 'libhello 1.0-r0']);
  paths.delete('debian/v3.22/main/x86_64/Packages.adb');
  await assert.rejects(openAnew(keyFiles), { code: 'FEED_NOT_FOUND' });
});

const openAnew = (keyFiles: NonNullable<OpenRepositoriesOptions['keyFiles']>) =>
  open({ components: ['main'], keyFiles, cache: join(cache, 'other') });

test('a damaged cache is fetched anew', async () => {
  await open();
  await writeFile(join(cache, 'states', 'alpine_3.22_main_x86_64.state'), '{"url":');
  assert.equal((await versions()).length, 2);
});

const glibc = buildArch({ name: 'glibc', version: '2.42-1', buildTime: 1_720_000_000 });
const arch = (more: Partial<OpenRepositoriesOptions> = {}) =>
  openRepositories({
    distribution: 'arch/rolling',
    architecture: 'x86_64',
    mirrors: { main: [server.url], security: [], origin: 'the test' },
    cache,
    clock,
    attempts: 1,
    ...more,
  });

test('pacman: a database that nobody signs is believed over https alone, or by word of its user', async () => {
  const lower = buildArch({ name: 'glibc', version: '2.41-1' });
  const tool = buildArch({ name: 'tool', version: '1-1' });
  paths.set('debian/core/os/x86_64/core.db', buildArchDatabase([lower]));
  paths.set('debian/extra/os/x86_64/extra.db', buildArchDatabase([glibc, tool]));
  await assert.rejects(arch(), { code: 'FEED_UNTRUSTED' });
  const snapshots = await arch({ trusted: true });
  // core comes before extra, whatever the version: as for pacman.
  assert.deepEqual(
    snapshots.map(({ id, packages }) => [id, packages.map(({ name, version }) => `${name} ${version}`)]),
    [
      ['arch/rolling/core/x86_64', ['glibc 2.41-1']],
      ['arch/rolling/extra/x86_64', ['tool 1-1']],
    ],
  );
  await assert.rejects(arch({ pockets: ['security'] }), { code: 'FEED_DISTRIBUTION_UNKNOWN' });
});

test('pacman: with keys named, a database must be signed by one of them', async () => {
  const [owner, stranger] = await Promise.all(
    ['owner', 'stranger'].map((name) => generateKey({ userIDs: [{ name }], format: 'object' })),
  );
  assert.ok(owner !== undefined && stranger !== undefined);
  const database = buildArchDatabase([glibc]);
  const path = 'debian/core/os/x86_64/core.db';
  const signature = async ({ privateKey }: typeof owner): Promise<Buffer> => {
    const message = await createMessage({ binary: Uint8Array.from(database) });
    const date = new Date(now - DAY);
    return Buffer.from(await sign({ message, signingKeys: privateKey, detached: true, format: 'binary', date }));
  };
  const keyFiles = [{ name: 'owner.asc', content: owner.publicKey.armor() }];
  const asked = () => arch({ keyFiles, components: ['core'] });
  now = Date.now() + DAY;
  paths.set(path, database);
  await assert.rejects(asked(), { code: 'FEED_UNTRUSTED' });
  paths.set(`${path}.sig`, await signature(stranger));
  await assert.rejects(asked(), { code: 'RELEASE_UNSIGNED' });
  paths.set(`${path}.sig`, await signature(owner));
  assert.equal((await asked())[0]?.packages.length, 1);
  // From the cache, too, with its signature.
  assert.equal((await arch({ keyFiles, components: ['core'], offline: true }))[0]?.packages.length, 1);
});

test('states travel in a bundle to a machine without network; what was taken unsigned stays at home', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = { privateKey: { type: 'pkcs8', format: 'pem' }, publicKey: { type: 'spki', format: 'pem' } } as const;
  const [key, pub] = [join(cache, 'key.pem'), join(cache, 'pub.pem')];
  await writeFile(key, privateKey.export(pem.privateKey));
  await writeFile(pub, publicKey.export(pem.publicKey));
  const home = join(cache, 'home');
  await open({ cache: home });
  paths.set('debian/core/os/x86_64/core.db', buildArchDatabase([glibc]));
  await arch({ cache: home, trusted: true, components: ['core'] });
  const path = join(cache, 'site.bundle');
  const { repositories, date } = await exportBundle(path, { cache: home, key, database: undefined });
  assert.deepEqual(repositories, ['alpine_3.22_community_x86_64', 'alpine_3.22_main_x86_64']);
  assert.equal(date, '2023-11-14T22:13:20.000Z');
  const away = join(cache, 'away');
  const noDatabase = async (): Promise<never> => assert.fail('no advisories');
  const imported = await importBundle(path, { cache: away, key: pub, openDatabase: noDatabase });
  assert.deepEqual([imported.repositories, imported.older], [2, 0]);
  const elsewhere = { main: ['http://127.0.0.1:9/nowhere'], security: [], origin: 'the test' };
  const found = await versions({ cache: away, offline: true, mirrors: elsewhere });
  assert.deepEqual(found, ['libssl3 3.5.0-r0', 'tool 1.0-r0']);
  // Its signature counts there as well.
  const strangers = [apkSigner('another.rsa.pub')];
  await assert.rejects(open({ cache: away, offline: true, mirrors: elsewhere, keyFiles: strangers }), {
    code: 'DISTRO_INDEX_UNSIGNED',
  });
  paths.set(MAIN, buildApkIndex([NEW], signer));
  await open({ cache: away });
  const again = await importBundle(path, { cache: away, key: pub, openDatabase: noDatabase });
  assert.deepEqual([again.repositories, again.older], [1, 1]);
});

test('repositories that a fleet names by URL, each with its own keys, of a distribution nobody knows too', async () => {
  const team = apkSigner('team.rsa.pub');
  paths.set('debian/team/x86_64/APKINDEX.tar.gz', buildApkIndex([NEW], team));
  const repositories = [
    { name: 'base', urls: [`${server.url}/v3.22/main`], keyFiles: [signer] },
    { name: 'team', urls: [`${server.url}/gone`, `${server.url}/team`], keyFiles: [team], security: true },
  ];
  const none = { main: [], security: [], origin: 'the test' };
  const snapshots = await open({ distribution: 'postmarketos/25.06', repositories, mirrors: none });
  assert.deepEqual(
    snapshots.map(({ id, security, packages }) => [id, security, packages[0]?.version]),
    [
      ['postmarketos/25.06/base/x86_64', false, '3.5.0-r0'],
      ['postmarketos/25.06/team/x86_64', true, '3.5.1-r0'],
    ],
  );
  const wrong = [{ name: 'team', urls: [`${server.url}/team`], keyFiles: [signer] }];
  await assert.rejects(open({ repositories: wrong }), { code: 'DISTRO_INDEX_UNSIGNED' });
  paths.set('debian/custom/x86_64/custom.db', buildArchDatabase([glibc]));
  const custom = { name: 'custom', urls: [`${server.url}/custom/{architecture}`] };
  await assert.rejects(arch({ repositories: [custom] }), { code: 'FEED_UNTRUSTED' });
  const [own] = await arch({ repositories: [{ ...custom, trusted: true }] });
  assert.equal(own?.packages[0]?.filename, 'glibc-2.42-1-x86_64.pkg.tar.zst');
});
