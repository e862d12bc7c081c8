import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { fixedClock, isHeraklitError, type Log, silentLog } from '../../src/base/index.ts';
import { type InstalledPackage, readStatus } from '../../src/distro/index.ts';
import {
  createAdvisoryReader,
  createFailover,
  createPackageCache,
  discoverMirrors,
  type Mirrors,
  type OpenRepositoriesOptions,
  openRepositories,
  resolveCandidates,
} from '../../src/feed/index.ts';
import {
  buildMirror,
  createSigner,
  type MirrorServer,
  type Paths,
  serveMirror,
  type TestPackage,
  type TestSuite,
  writeMirror,
} from '../support/debian-mirror.ts';

const HOUR = 3_600_000;
const NOW = Math.floor(Date.now() / 1000) * 1000;

const simple = (name: string, version: string, more: Partial<TestPackage> = {}): TestPackage => ({
  control: {
    Package: name,
    Version: version,
    Architecture: 'amd64',
    Maintainer: 'M <m@example.org>',
    Description: name,
  },
  ...more,
});

const CHANGELOG = `libx (1.0-1+deb13u1) trixie-security; urgency=high

  * Fix CVE-2026-11111 and CVE-2026-2222.

 -- M <m@example.org>  Mon, 15 Jun 2026 10:00:00 +0000

libx (1.0-1) unstable; urgency=low

  * CVE-2020-0001 long ago.

 -- M <m@example.org>  Mon, 15 Jun 2020 10:00:00 +0000
`;

const libx = (version: string): TestPackage =>
  simple('libx', version, {
    files: { 'usr/share/doc/libx/changelog.Debian.gz': gzipSync(CHANGELOG), 'usr/lib/x': 'x'.repeat(5000) },
  });
const libxDev = (version: string): TestPackage => ({
  ...simple('libx-dev', version, { files: { 'usr/share/doc/libx-dev': { link: 'libx' } } }),
  control: { ...simple('libx-dev', version).control, Source: 'libx' },
});

const SUITES: readonly TestSuite[] = [
  { suite: 'trixie', packages: [libx('1.0-1'), libxDev('1.0-1'), simple('tool', '1:2.0+dfsg~1')] },
  { suite: 'trixie-updates', packages: [] },
  { suite: 'trixie-security', packages: [libx('1.0-1+deb13u1'), libxDev('1.0-1+deb13u1')] },
];

const signer = await createSigner();
const paths: Paths = new Map();
let server: MirrorServer;
let folder: string;
let mirrors: Mirrors;
let serial = 0;

const publish = async (suites: readonly TestSuite[] = SUITES, now = NOW): Promise<void> => {
  paths.clear();
  for (const [path, bytes] of await buildMirror(suites, signer.sign, now)) paths.set(path, bytes);
};

const open = (options: Partial<OpenRepositoriesOptions> = {}) =>
  openRepositories({
    distribution: 'debian/trixie',
    architecture: 'amd64',
    mirrors,
    cache: join(folder, `cache${serial}`),
    clock: fixedClock(NOW + HOUR),
    keyring: signer.keyring,
    attempts: 1,
    ...options,
  });

const refused = (code: string) => (error: unknown) => isHeraklitError(error, code) || assert.fail(String(error));

async function everyFile(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heraklit-'));
  server = await serveMirror(paths);
  mirrors = await discoverMirrors({ id: 'debian', option: server.url });
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  serial += 1;
  server.intercept = undefined;
  await publish();
  server.requests.length = 0;
});

test('opens release, updates and security; a second opening asks only whether anything changed', async () => {
  const snapshots = await open();
  assert.deepEqual(
    snapshots.map((one) => [one.id, one.security, one.packages.map((pkg) => `${pkg.name} ${pkg.version}`)]),
    [
      ['debian/trixie/main/amd64', false, ['libx 1.0-1', 'libx-dev 1.0-1', 'tool 1:2.0+dfsg~1']],
      ['debian/trixie-updates/main/amd64', false, []],
      ['debian/trixie-security/main/amd64', true, ['libx 1.0-1+deb13u1', 'libx-dev 1.0-1+deb13u1']],
    ],
  );
  assert.equal(snapshots[0]?.date, NOW / 1000);
  server.requests.length = 0;
  assert.deepEqual(await open(), snapshots);
  assert.deepEqual(
    server.requests.map((request) => request.split('/').at(-1)),
    ['InRelease', 'InRelease', 'InRelease'],
  );
  server.requests.length = 0;
  assert.deepEqual(await open({ maxAge: 7200 }), snapshots);
  assert.deepEqual(await open({ offline: true }), snapshots);
  assert.deepEqual(server.requests, []);
});

test('a changed pocket is seen, a mirror that lags behind is not believed', async () => {
  const old = new Map(paths);
  await open();
  const newer = [{ suite: 'trixie', packages: [simple('tool', '3')] }, ...SUITES.slice(1)];
  await publish(newer, NOW + 1000);
  assert.deepEqual(
    (await open())[0]?.packages.map((one) => one.version),
    ['3'],
  );
  for (const [path, bytes] of old) paths.set(path, bytes);
  assert.deepEqual(
    (await open())[0]?.packages.map((one) => one.version),
    ['3'],
  );
});

test('unsigned, changed, signed by a stranger, expired, from the future, another suite, weak', async () => {
  const release = 'debian/dists/trixie/InRelease';
  const good = paths.get(release) as Buffer;
  const stranger = await createSigner();
  const text = good.toString();
  const body = text.slice(text.indexOf('\n\n') + 2, text.indexOf('-----BEGIN PGP SIGNATURE'));
  for (const [code, bytes] of [
    ['RELEASE_UNSIGNED', Buffer.from(body)],
    ['RELEASE_UNSIGNED', Buffer.from(text.replace('Origin: Debian', 'Origin: Debiam'))],
    ['RELEASE_UNSIGNED', await stranger.sign(body)],
    ['RELEASE_EXPIRED', await signer.sign(body.replace('Date:', `Valid-Until: ${new Date(NOW).toUTCString()}\nDate:`))],
    ['RELEASE_FUTURE', await signer.sign(body.replace(/Date: .*/, `Date: ${new Date(NOW + 9 * HOUR).toUTCString()}`))],
    [
      'RELEASE_MISMATCH',
      await signer.sign(body.replace('Codename: trixie', 'Codename: sid').replace('Suite: stable', 'Suite: unstable')),
    ],
    ['RELEASE_WEAK', await signer.sign(body.replace('SHA256:', 'MD5Sum:'))],
    ['RELEASE_INVALID', await signer.sign(body.replace(/Date: .*/, 'Date: today'))],
  ] as const) {
    paths.set(release, bytes);
    await assert.rejects(open(), refused(code), code);
    await assert.rejects(open({ offline: true }), refused('FEED_OFFLINE'), 'nothing unverified was kept');
  }
  paths.set(release, Buffer.from(body));
  assert.equal((await open({ trusted: true }))[0]?.packages.length, 3);
});

test('a tampered or truncated index is refused and not kept', async () => {
  for (const change of [
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) as number) ^ 1])]),
    (bytes: Buffer) => bytes.subarray(0, -5),
    (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')]),
  ]) {
    await publish();
    for (const [path, bytes] of paths) if (path.includes('/trixie/main/')) paths.set(path, change(bytes));
    await assert.rejects(open({ pockets: ['release'] }), refused('FEED_HASH_MISMATCH'));
    assert.deepEqual(await everyFile(join(folder, `cache${serial}`, 'indexes')), []);
  }
});

test('no such component, architecture, pocket, distribution', async () => {
  await assert.rejects(open({ components: ['contrib'] }), refused('FEED_INDEX_MISSING'));
  await assert.rejects(open({ architecture: 's390x' }), refused('FEED_INDEX_MISSING'));
  await assert.rejects(open({ pockets: ['proposed'] }), refused('FEED_DISTRIBUTION_UNKNOWN'));
  await assert.rejects(open({ distribution: 'debian/potato' }), refused('FEED_DISTRIBUTION_UNKNOWN'));
  await assert.rejects(open({ distribution: 'constructor/x' }), refused('FEED_DISTRIBUTION_UNKNOWN'));
  await assert.rejects(open({ pockets: ['backports'] }), refused('FEED_NOT_FOUND'));
});

test('a mirror that is down, fails, or falls silent', async () => {
  const closed = await discoverMirrors({ id: 'debian', option: 'http://127.0.0.1:1/debian' });
  await assert.rejects(open({ mirrors: closed }), refused('FEED_UNREACHABLE'));
  server.intercept = (_path, _request, response) => {
    response.writeHead(503).end();
    return true;
  };
  await assert.rejects(open(), refused('FEED_UNREACHABLE'));
  server.intercept = () => true;
  const signal = AbortSignal.timeout(50);
  await assert.rejects(open({ signal }), (error) => error === signal.reason);
});

test('the next mirror is asked where the first does not answer', async () => {
  const both = await discoverMirrors({
    id: 'debian',
    environment: { HERAKLIT_MIRROR_DEBIAN: `http://127.0.0.1:1/debian ${server.url}` },
  });
  assert.equal((await open({ mirrors: both })).length, 3);
});

test('every mirror is tried in order; the warning names the one that failed, the error all of them', async () => {
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warned.push(message) };
  const named = (main: readonly string[], security: readonly string[] = []) =>
    discoverMirrors({ id: 'debian', fleet: { main, security, origin: 'the fleet file' } });
  const closed = 'http://user:secret@127.0.0.1:1/debian';
  const both = await named([closed, `${server.url}`]);
  const failover = createFailover('debian/trixie, the fleet file', log);
  const [release] = await open({ mirrors: both, failover });
  // Three pockets were asked for; main and security mirror failed once each.
  assert.equal(warned.length, 2, warned.join('\n'));
  assert.match(
    warned[0] ?? '',
    /^mirror 1 of 2 \(debian\/trixie, the fleet file\) failed and is asked last .*FEED_UNREACHABLE: .*does not answer/,
  );
  assert.doesNotMatch(warned.join(), /secret/);
  // Packages avoid the same mirror without a new warning.
  const packages = createPackageCache({ directory: join(folder, `failover${serial}`), mirrors: both, failover });
  await packages.fetchAll(release?.packages ?? []);
  assert.equal(warned.length, 2);
  const none = await named([closed, 'http://127.0.0.1:2/debian']);
  await assert.rejects(
    open({ mirrors: none, cache: join(folder, 'none') }),
    (error) =>
      isHeraklitError(error, 'FEED_UNREACHABLE') && /^every mirror failed: .*:1\/.*; .*:2\//.test(error.message),
  );
  server.intercept = (_path, _request, response) => {
    response.writeHead(503).end();
    return true;
  };
  await assert.rejects(
    open({ mirrors: await named([server.url, closed]), cache: join(folder, 'none') }),
    (error) => isHeraklitError(error, 'FEED_UNREACHABLE') && /HTTP 503.*bad port/.test(error.message),
  );
});

test('a mirror whose indexes are not what it signed is left for one that is whole, even if older', async () => {
  await publish(SUITES, NOW - HOUR);
  const older = new Map(paths);
  const second = await serveMirror(older);
  try {
    await publish([{ suite: 'trixie', packages: [libx('1.0-2')] }, ...SUITES.slice(1)]);
    for (const path of paths.keys()) {
      if (/dists\/trixie\/main\/.*(?:Packages|SHA256)/.test(path)) paths.set(path, Buffer.from('something else'));
    }
    const warned: string[] = [];
    const failover = createFailover('the fleet file', { ...silentLog, warn: (message) => void warned.push(message) });
    const fleet = { main: [server.url, second.url], security: [], origin: 'the fleet file' };
    const [release] = await open({ mirrors: await discoverMirrors({ id: 'debian', fleet }), failover });
    assert.deepEqual(
      release?.packages.map((pkg) => `${pkg.name} ${pkg.version}`),
      ['libx 1.0-1', 'libx-dev 1.0-1', 'tool 1:2.0+dfsg~1'],
    );
    assert.match(warned.join('\n'), /mirror 1 of 2 .*FEED_HASH_MISMATCH/);
  } finally {
    await second.close();
  }
});

test('when no mirror of the list answers, the error says how to name one', async () => {
  const search = { id: 'debian', environment: {}, imageSources: [], hostSources: [] };
  const known = { debian: { main: ['http://127.0.0.1:2/debian', 'http://127.0.0.1:3/debian'], security: [] } };
  await assert.rejects(
    open({ mirrors: await discoverMirrors({ ...search, known }) }),
    (error) =>
      isHeraklitError(error, 'FEED_UNREACHABLE') &&
      /every mirror failed/.test(error.message) &&
      /name another mirror with --mirror or HERAKLIT_MIRROR_DEBIAN/.test(error.hint ?? ''),
  );
  await assert.rejects(
    discoverMirrors({ ...search, known: {} }),
    (error) =>
      isHeraklitError(error, 'FEED_NO_MIRROR') && /--mirror URL or HERAKLIT_MIRROR_DEBIAN=URL/.test(error.hint ?? ''),
  );
});

test('a state that another mirror told a moment ago is not taken for this one’s', async () => {
  await publish(SUITES, NOW - HOUR);
  const replaying = await serveMirror(new Map(paths));
  try {
    await publish([{ suite: 'trixie', packages: [libx('1.0-2')] }, ...SUITES.slice(1)]);
    const cache = join(folder, `replay${serial}`);
    const old = await discoverMirrors({ id: 'debian', option: replaying.url });
    assert.equal((await open({ mirrors: old, cache, maxAge: 300 }))[0]?.packages.length, 3);
    assert.equal((await open({ cache, maxAge: 300 }))[0]?.packages.length, 1);
    const asked = server.requests.length;
    await open({ cache, maxAge: 300 });
    assert.equal(server.requests.length, asked);
  } finally {
    await replaying.close();
  }
});

test('redirects are followed a few times, never to another kind of URL', async () => {
  server.intercept = (path, _request, response) => {
    if (!path.startsWith('debian/dists/trixie/')) return false;
    response.writeHead(302, { location: `/moved/${path}` }).end();
    return true;
  };
  for (const [path, bytes] of [...paths]) paths.set(`moved/${path}`, bytes);
  assert.equal((await open()).length, 3);
  for (const location of ['file:///etc/passwd', '/debian/dists/trixie/InRelease']) {
    server.intercept = (_path, _request, response) => {
      response.writeHead(302, { location }).end();
      return true;
    };
    await assert.rejects(open({ cache: join(folder, 'redirect') }), refused('FEED_UNREACHABLE'));
  }
});

test('the security pocket comes from its own mirrors where they are named', async () => {
  const security = new Map([...paths].filter(([path]) => path.includes('debian-security')));
  const main = new Map([...paths].filter(([path]) => !path.includes('debian-security')));
  const [one, two] = [await serveMirror(main), await serveMirror(security)];
  try {
    const beside = await discoverMirrors({ id: 'debian', option: one.url });
    await assert.rejects(open({ mirrors: beside }), refused('FEED_NOT_FOUND'));
    const fleet = { main: [one.url], security: [`${two.url}-security`], origin: 'the fleet file' };
    assert.equal((await open({ mirrors: await discoverMirrors({ id: 'debian', fleet }) })).length, 3);
  } finally {
    await one.close();
    await two.close();
  }
});

test('a mirror in a folder needs no network', async () => {
  const directory = join(folder, 'mirror');
  await writeMirror(paths, directory);
  const local = await discoverMirrors({ id: 'debian', option: pathToFileURL(join(directory, 'debian')).href });
  const [release] = await open({ mirrors: local });
  const packages = createPackageCache({ directory: join(folder, 'file-cache'), mirrors: local });
  assert.equal(release?.packages.length, 3);
  assert.equal((await packages.fetchAll(release?.packages ?? [])).length, 3);
  assert.deepEqual(server.requests, []);
  await assert.rejects(open({ mirrors: local, pockets: ['backports'] }), refused('FEED_NOT_FOUND'));
});

test('a damaged cache heals itself', async () => {
  const snapshots = await open();
  const cache = join(folder, `cache${serial}`);
  for (const name of await readdir(cache, { recursive: true })) {
    if (/\.(?:zst|release)$/.test(name)) await truncate(join(cache, name), 30);
  }
  assert.deepEqual(await open(), snapshots);
});

test('packages: verified, cached, fetched once though asked for twice at the same time', async () => {
  const [release] = await open();
  const directory = join(folder, `packages${serial}`);
  const packages = createPackageCache({ directory, mirrors });
  const files = release?.packages ?? [];
  await mkdir(join(directory, 'packages/partial'), { recursive: true });
  for (const [name, age] of [
    ['left', 48 * 3600],
    ['running', 60],
  ] as const) {
    await writeFile(join(directory, 'packages/partial', name), '');
    await utimes(join(directory, 'packages/partial', name), Date.now() / 1000 - age, Date.now() / 1000 - age);
  }
  server.requests.length = 0;
  const steps: number[] = [];
  const [first] = await Promise.all([
    packages.fetchAll(files, { update: (_step, done) => steps.push(done) }),
    packages.fetchAll(files),
  ]);
  assert.equal(server.requests.length, files.length);
  assert.equal(
    steps.at(-1),
    files.reduce((sum, file) => sum + file.size, 0),
  );
  assert.ok(
    (await readFile(first[2] as string)).equals(paths.get('debian/pool/main/tool/tool_2.0+dfsg~1_amd64.deb') as Buffer),
  );
  assert.deepEqual(await readdir(join(directory, 'packages/partial')), ['running']);
  const offline = createPackageCache({ directory, mirrors, offline: true, verifyCached: true });
  assert.deepEqual(await offline.fetchAll(files), first);
  assert.ok(await offline.has(files[0] as (typeof files)[0]));
  await writeFile(first[0] as string, 'x'.repeat(files[0]?.size ?? 0));
  await assert.rejects(offline.fetchAll(files), refused('FEED_OFFLINE'));
  assert.deepEqual(await createPackageCache({ directory, mirrors, verifyCached: true }).fetchAll(files), first);
});

test('packages: changed, truncated, missing; nothing half-written stays', async () => {
  const [release] = await open();
  const file = release?.packages[0];
  assert.ok(file);
  const path = `debian/${file.filename}`;
  const good = paths.get(path) as Buffer;
  const directory = join(folder, `packages${serial}`);
  const packages = createPackageCache({ directory, mirrors, attempts: 1 });
  const changed = Buffer.from(good);
  changed[100] = (changed[100] as number) ^ 1;
  for (const bytes of [changed, good.subarray(0, -10), Buffer.concat([good, good])]) {
    paths.set(path, bytes);
    await assert.rejects(packages.fetch(file), refused('FEED_HASH_MISMATCH'));
  }
  paths.delete(path);
  await assert.rejects(packages.fetch(file), refused('FEED_NOT_FOUND'));
  await assert.rejects(packages.fetch({ ...file, sha256: '../x' }, undefined), refused('FEED_HASH_MISMATCH'));
  assert.deepEqual(await everyFile(directory), []);
});

test('packages: a transfer that breaks off goes on where it stopped', async () => {
  const [release] = await open();
  const file = release?.packages[0];
  assert.ok(file);
  const bytes = paths.get(`debian/${file.filename}`) as Buffer;
  let breaks = 2;
  server.intercept = (path, request, response) => {
    if (!path.endsWith('.deb') || breaks === 0) return false;
    breaks -= 1;
    const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0]);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start });
    response.write(bytes.subarray(start, start + 100), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  server.requests.length = 0;
  const packages = createPackageCache({ directory: join(folder, `packages${serial}`), mirrors });
  assert.ok((await readFile(await packages.fetch(file))).equals(bytes));
  assert.deepEqual(
    server.requests.map((request) => request.endsWith(' range')),
    [false, true, true],
  );
});

test('candidates and their advisories, also where the documentation is a link', async () => {
  const snapshots = await open();
  const status = ['libx', 'libx-dev', 'tool'].map(
    (name) =>
      `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${name === 'tool' ? '1:2.0+dfsg~1' : '1.0-1'}\n${name === 'libx-dev' ? 'Source: libx\n' : ''}`,
  );
  const installed: readonly InstalledPackage[] = readStatus(Buffer.from(status.join('\n'))).packages;
  const candidates = resolveCandidates(installed, snapshots);
  assert.deepEqual(
    candidates.map((one) => [one.installed.name, one.candidate.version, one.security]),
    [
      ['libx', '1.0-1+deb13u1', true],
      ['libx-dev', '1.0-1+deb13u1', true],
    ],
  );
  const cache = join(folder, `cache${serial}`);
  const packages = createPackageCache({ directory: cache, mirrors });
  const read = () => createAdvisoryReader({ cache, packages, repositories: snapshots }).readAll(candidates);
  const { missed, problems } = await read();
  assert.deepEqual(problems, []);
  for (const value of missed.values()) {
    assert.deepEqual(value, {
      advisories: ['CVE-2026-2222', 'CVE-2026-11111'],
      since: Date.UTC(2026, 5, 15, 10) / 1000,
    });
  }
  server.requests.length = 0;
  assert.deepEqual((await read()).missed, missed);
  assert.deepEqual(server.requests, []);
});

test('a finding whose package cannot be fetched stays, unexplained', async () => {
  const snapshots = await open();
  const status = 'Package: libx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n';
  const candidates = resolveCandidates(readStatus(Buffer.from(status)).packages, snapshots);
  for (const path of paths.keys()) if (path.endsWith('.deb')) paths.delete(path);
  const cache = join(folder, `cache${serial}`);
  const packages = createPackageCache({ directory: cache, mirrors, attempts: 1 });
  const { missed, problems } = await createAdvisoryReader({ cache, packages, repositories: snapshots }).readAll(
    candidates,
  );
  assert.deepEqual([...missed.values()], [{ advisories: [], since: undefined }]);
  assert.equal(problems.length, 1);
});
