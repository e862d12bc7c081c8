import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatLock, parseLock } from '../../src/build/index.ts';
import { type RepositoryPackage, readPackagesIndex } from '../../src/distro/index.ts';
import { type Downloads, openComposeHome, openDownloads } from '../support/compose-home.ts';
import { openPodman } from '../support/podman.ts';

const HEAD = 'apiVersion: heraklit/v1\nkind: Image\n';
const WEB = `${HEAD}name: web\ndistribution: debian/trixie\npackages: [apt, python3, curl, ca-certificates, nginx, openssl]\n`;
const CHILD = `${HEAD}name: child\nfrom: web\npackages: [man-db]\ngroups: [{ name: ops, gid: 2000 }]
users: [{ name: app, uid: 10001, groups: [ops, www-data], home: /srv/home, createHome: true, comment: "The app" }]
caCertificates: [ours.pem]\ntimezone: Europe/Berlin
files:
  - { path: /srv/tree, source: tree, exclude: ["*.bak"], uid: 10001 }
  - { path: /srv/app, directory: true, mode: "0750", uid: 10001 }
  - { path: /srv/app/data, content: hello }
config: { entrypoint: [/bin/cat, /srv/app/data], user: app, env: { A: "1" }, ports: ["80"] }\n`;
const GRANDCHILD = `${HEAD}name: grandchild\nfrom: child\nfiles: [{ path: /srv/app/more, content: x }]\nconfig: { user: root }\n`;

const cache = mkdtempSync(join(tmpdir(), 'compose-downloads-'));
let downloads: Promise<Downloads | undefined> | undefined;
const shared = (context: TestContext): Promise<Downloads | undefined> => {
  downloads ??= openDownloads(context, cache);
  return downloads;
};
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

/** What any Debian image must answer. */
const SOUND = 'set -ex; dpkg --audit; test -z "$(dpkg --audit)"; dpkg -V; test -z "$(dpkg -V)"; apt-get check; ';
const TLS = `openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/k -out /tmp/c -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
openssl s_server -quiet -accept 44331 -key /tmp/k -cert /tmp/c -www & server=$!; sleep 1
curl -sf --cacert /tmp/c https://localhost:44331/ >/dev/null
! curl -sf https://localhost:44331/ >/dev/null
kill $server; `;

test('scripts: run gives a Debian that dpkg, apt and its programs find sound', async (context) => {
  const [podman, from] = [openPodman(context), await shared(context)];
  if (podman === undefined || from === undefined) return;
  const home = await openComposeHome(context, from);
  const web = await home.build(WEB);
  assert.ok(web.manifest.layers.length <= 64);
  const image = (name: string): string => `oci:${home.root}/store:${name}`;
  const programs =
    'python3 -c "import ssl,json,sqlite3; assert len(ssl.create_default_context().get_ca_certs()) > 100"; nginx -t; ' +
    'test -s /etc/ssl/certs/ca-certificates.crt; test -z "$(dpkg -l | tail -n +6 | grep -v ^ii)"; ';
  const result = podman.shell(image('web'), `${SOUND}${programs}${TLS}echo fine`);
  assert.equal(result.status, 0, result.output);

  addSources(home.root);
  await home.build(CHILD.replace('[man-db]', '[man-db, tzdata, passwd]'));
  await home.build(GRANDCHILD);
  const script = `${SOUND}id app; test "$(stat -c %a:%u /srv/app)" = 750:10001; test "$(cat /srv/app/data)" = hello; ls /srv/app/more; dpkg -s man-db; test "$A" = 1
pwck -r -q; grpck -r; test "$(id -Gn app)" = "app www-data ops"; test "$(stat -c %a:%U /srv/home)" = 700:app
test "$(date -d @0 +%z)" = +0100
cd /srv/tree; test "$(find . | sort | xargs echo)" = ". ./run ./sub ./sub/link ./sub/text"; test "$(./run)" = ran
test "$(stat -c %a:%u run sub/text | xargs echo)" = "755:10001 644:10001"; test "$(readlink sub/link)" = text
openssl verify -CApath /etc/ssl/certs /etc/ssl/certs/ours.pem
list() { (cd /etc/ssl/certs; find . -printf '%p %l\\n' | sort; cat ca-certificates.crt) | sha256sum; }
before=$(list); update-ca-certificates --fresh >/dev/null; test "$before" = "$(list)"`;
  const child = podman.shell(image('grandchild'), script);
  assert.equal(child.status, 0, child.output);
});

/** A certificate and a folder for the recipe above to take in. */
function addSources(root: string): void {
  const made = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-keyout', join(root, 'ours.key')],
      ...['-out', join(root, 'ours.pem'), '-utf8', '-subj', '/C=DE/O=  Ünsere   Firma/CN=Our Root'],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr);
  mkdirSync(join(root, 'tree', 'sub'), { recursive: true });
  writeFileSync(join(root, 'tree', 'run'), '#!/bin/sh\necho ran\n', { mode: 0o744 });
  writeFileSync(join(root, 'tree', 'sub', 'text'), 'text', { mode: 0o600 });
  writeFileSync(join(root, 'tree', 'old.bak'), 'left out');
  symlinkSync('text', join(root, 'tree', 'sub', 'link'));
}

test('two homes, two folders, two times: the same digest; a lock alone decides', async (context) => {
  const from = await shared(context);
  if (from === undefined) return;
  const one = await openComposeHome(context, from);
  const first = await one.build(WEB);
  const lock = parseLock(formatLock(first.lock));
  assert.doesNotMatch(formatLock(lock), /https?:/);
  const offline: Downloads = { ...from, repositories: () => Promise.reject(new Error('asked for an index')) };
  const two = await openComposeHome(context, offline);
  const second = await two.build(WEB, { lock, locked: true });
  assert.equal(second.descriptor.digest, first.descriptor.digest);
  assert.deepEqual(second.lock, first.lock);
  const again = await one.build(WEB, { lock });
  assert.equal(again.statistics.layersBuilt, 0);
  assert.equal(again.descriptor.digest, first.descriptor.digest);
  await assert.rejects(two.build(WEB.replace('nginx', 'tar'), { lock, locked: true }), { code: 'COMPOSE_LOCK_STALE' });
});

test('an update of one package changes its layer and the state, nothing else', async (context) => {
  const from = await shared(context);
  if (from === undefined) return;
  const release: Downloads = {
    ...from,
    repositories: async () => (await from.repositories()).filter(({ pocket }) => pocket === 'release'),
  };
  const recipe = `${HEAD}name: tiny\ndistribution: debian/trixie\npackages: [openssl]\n`;
  const before = await (await openComposeHome(context, release)).build(recipe);
  const after = await (await openComposeHome(context, from)).build(recipe, { lock: before.lock });
  assert.equal(after.descriptor.digest, before.descriptor.digest, 'a lock that fits is kept');
  const updated = await (await openComposeHome(context, from)).build(recipe);
  const known = new Set(before.manifest.layers.map(({ digest }) => digest));
  const fresh = updated.manifest.layers.filter(({ digest }) => !known.has(digest));
  assert.ok(fresh.length < updated.manifest.layers.length);
});

test('scripts: none needs no privileges and runs; the certificate bundle is the one update-ca-certificates makes', async (context) => {
  const [podman, from] = [openPodman(context), await shared(context)];
  if (podman === undefined || from === undefined) return;
  const home = await openComposeHome(context, from);
  const common = 'distribution: debian/trixie\npackages: [dash, coreutils, base-files, base-passwd, ca-certificates]\n';
  await home.build(`${HEAD}name: none\nscripts: none\n${common}files: [{ path: /bin/sh, symlink: dash }]\n`);
  await home.build(`${HEAD}name: run\n${common}`);
  const sums = ['none', 'run'].map((name) => {
    const result = podman.shell(
      `oci:${home.root}/store:${name}`,
      'sort /etc/ssl/certs/ca-certificates.crt | sha256sum; stat -c %a /tmp; head -1 /etc/passwd',
    );
    assert.equal(result.status, 0, result.output);
    return result.stdout;
  });
  assert.match(sums[0] ?? '', /1777/);
  assert.equal(sums[0], sums[1]);
});

test('bad input: one coded error, no layer and no image left behind', async (context) => {
  const from = await shared(context);
  if (from === undefined) return;
  const home = await openComposeHome(context, from);
  const blobs = (): readonly string[] => readdirSync(join(home.root, 'store', 'blobs', 'sha256'));
  const head = `${HEAD}name: bad\ndistribution: debian/trixie\nscripts: none\n`;
  await assert.rejects(home.build(`${head}packages: [ngnix]\n`), { code: 'SOLVE_UNKNOWN_PACKAGE', hint: /nginx/ });
  await assert.rejects(home.build(`${head}packages: [netbase]\nfiles: [{ path: /a, source: missing }]\n`), {
    code: 'COMPOSE_SOURCE_INVALID',
  });
  const before = blobs().length;
  const lying: Downloads = {
    ...from,
    packages: { ...from.packages, fetch: async () => import.meta.filename },
  };
  const other = await openComposeHome(context, lying);
  await assert.rejects(other.build(`${head}packages: [netbase]\n`), { code: 'COMPOSE_PACKAGE_MISMATCH' });
  const failing = `${HEAD}name: bad\ndistribution: debian/trixie\npackages: [netbase]\nfrom: nothing\n`;
  await assert.rejects(home.build(failing));
  assert.equal(blobs().length, before);
  assert.deepEqual(
    readdirSync(join(home.root, 'store')).filter((name) => /partial|tmp/.test(name)),
    [],
  );
});

/** A package that exists nowhere: built here, offered beside the real ones. */
function fakePackage(folder: string, name: string, files: Readonly<Record<string, string>>): RepositoryPackage {
  const root = join(folder, name);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: test\n`;
  for (const [path, content] of Object.entries({ 'DEBIAN/control': control, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: path.startsWith('DEBIAN/p') ? 0o755 : 0o644 });
  }
  const built = spawnSync('dpkg-deb', ['--root-owner-group', '-b', root, `${root}.deb`], { encoding: 'utf8' });
  assert.equal(built.status, 0, built.stderr);
  const bytes = readFileSync(`${root}.deb`);
  const [row] = readPackagesIndex(
    Buffer.from(
      `${control}Filename: fake/${name}.deb\nSize: ${bytes.length}\nSHA256: ${createHash('sha256').update(bytes).digest('hex')}\n`,
    ),
    { id: 'test', security: false },
  );
  assert.ok(row);
  return row;
}

test('a failing script, a base that would have to change, a foreign processor: coded errors', async (context) => {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) return context.skip('dpkg-deb not installed');
  const from = await shared(context);
  if (from === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'compose-fakes-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const failing = fakePackage(folder, 'failing', {
    'DEBIAN/postinst': '#!/bin/sh\necho broken on purpose >&2\nexit 3\n',
  });
  const thief = fakePackage(folder, 'thief', { 'etc/debian_version': 'mine\n' });
  const withFakes: Downloads = {
    packages: {
      ...from.packages,
      fetch: async (item) =>
        item.filename.startsWith('fake/') ? join(folder, item.filename.slice(5)) : from.packages.fetch(item),
    },
    repositories: async () => {
      const real = await from.repositories();
      const [first] = real;
      assert.ok(first);
      return [...real, { ...first, id: 'test', packages: [failing, thief] }];
    },
  };
  const home = await openComposeHome(context, withFakes);
  const head = `${HEAD}name: bad\ndistribution: debian/trixie\n`;
  await assert.rejects(home.build(`${head}packages: [failing]\n`), {
    code: 'COMPOSE_SCRIPT_FAILED',
    message: /failing package post-installation script/,
  });
  await assert.rejects(home.build(`${head}packages: [thief]\n`), {
    code: 'COMPOSE_FILE_CONFLICT',
    message: /debian_version/,
  });
  await assert.rejects(home.build(`${head}packages: [netbase]\n`, { architecture: 's390x' }), {
    code: 'COMPOSE_ARCHITECTURE',
  });
  await home.build(`${HEAD}name: data\ndistribution: debian/trixie\nscripts: none\n`);
  await assert.rejects(home.build(`${HEAD}name: bad\nfrom: data\npackages: [netbase]\n`), {
    code: 'COMPOSE_BASE_MISMATCH',
    hint: /distroless/,
  });
  const mixed = `${HEAD}name: bad\nfrom: data\ndistribution: debian/bookworm\nfiles: [{ path: /a, content: x }]\n`;
  await assert.rejects(home.build(mixed), { code: 'COMPOSE_BASE_MISMATCH', hint: /taken from the base/ });
});

test('skopeo copies what was composed', async (context) => {
  if (spawnSync('skopeo', ['--version']).status !== 0) return context.skip('skopeo not installed');
  const from = await shared(context);
  if (from === undefined) return;
  const home = await openComposeHome(context, from);
  await home.build(
    `${HEAD}name: data\ndistribution: debian/trixie\nscripts: none\ncompression: gzip\npackages: [netbase, media-types]\n`,
  );
  const target = join(home.root, 'copy');
  writeFileSync(join(home.root, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  const copied = spawnSync(
    'skopeo',
    ['--policy', join(home.root, 'policy.json'), 'copy', `oci:${home.root}/store:data`, `dir:${target}`],
    { encoding: 'utf8' },
  );
  assert.equal(copied.status, 0, copied.stderr);
});
