import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { createTarWriter } from '../../archive/index.ts';
import { type Database, openDatabase } from '../../database/index.ts';
import { findAdvisories, importFeed, listFeeds } from '../advisory-feeds/index.ts';
import { readCachedRelease, writeCachedRelease } from '../release-cache.ts';
import { exportBundle, importBundle, isBundle } from './index.ts';
import { signBytes } from './keys.ts';
import { formatManifest } from './manifest.ts';

let folder: string;
let [key, publicKey] = ['', ''];
const pair = generateKeyPairSync('ed25519');
const hash = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const INDEX = hash('index');
const PACKAGE = hash('a package');
const neverOpened = (): never => assert.fail('no advisories, no database');

const releaseText = (day: number): string =>
  `Origin: Debian\nCodename: trixie\nDate: Mon, ${String(day).padStart(2, '0')} Jun 2026 10:00:00 UTC\nSHA256:\n ${INDEX} 5 main/binary-amd64/Packages.xz\n`;

async function writeRelease(cache: string, day: number): Promise<void> {
  const facts = {
    url: 'https://me:secret@mirror.example/debian',
    etag: '"x"',
    lastModified: undefined,
    checked: 5,
    signedBy: ['F'],
    digest: hash('d'),
  };
  await writeCachedRelease(cache, 'debian/trixie', { ...facts, text: releaseText(day), keyring: 'debian' });
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heraklit-bundle-'));
  [key, publicKey] = [join(folder, 'bundle.key'), join(folder, 'bundle.pub')];
  await writeFile(key, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await writeFile(publicKey, pair.publicKey.export({ format: 'pem', type: 'spki' }));
  const cache = join(folder, 'cache');
  await writeRelease(cache, 15);
  const repomd = `<repomd><revision>1780000000</revision><checksum type="sha256">${INDEX}</checksum></repomd>`;
  const facts = {
    url: 'https://x',
    etag: undefined,
    lastModified: undefined,
    checked: 5,
    signedBy: ['F'],
    digest: hash('r'),
  };
  await writeCachedRelease(cache, 'rocky/9/baseos/x86_64', { ...facts, text: repomd, keyring: 'rocky' });
  await writeCachedRelease(cache, 'own/1/x/x86_64', { ...facts, text: repomd, keyring: '' });
  await writeFile(join(cache, 'releases', 'debian_trusted.release'), 'damaged');
  await mkdir(join(cache, 'indexes', INDEX.slice(0, 2)), { recursive: true });
  await writeFile(join(cache, 'indexes', INDEX.slice(0, 2), `${INDEX}.v1.zst`), 'the index');
  await writeFile(join(cache, 'indexes', INDEX.slice(0, 2), `${INDEX}.primary.v1.zst`), 'primary');
  await mkdir(join(cache, 'packages', PACKAGE.slice(0, 2)), { recursive: true });
  await writeFile(join(cache, 'packages', PACKAGE.slice(0, 2), `${PACKAGE}.deb`), 'a package');
  await mkdir(join(cache, 'changelogs'));
  await writeFile(join(cache, 'changelogs', 'openssl_3.5.1-1%2Bdeb13u1.v1.json'), '[]');
});
after(() => rm(folder, { recursive: true, force: true }));

const exported = async (name: string, database?: Database) => {
  const path = join(folder, name);
  return { path, ...(await exportBundle(path, { cache: join(folder, 'cache'), key, database, packages: [PACKAGE] })) };
};
const filesOf = async (cache: string): Promise<readonly string[]> =>
  (await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(cache.length + 1))
    .sort();
const fresh = (name: string): string => join(folder, 'homes', name);
const into = (cache: string) => ({ cache, key: publicKey, openDatabase: async () => neverOpened() });

test('a bundle holds what the cache has, without a word of mirrors; the same content gives the same bytes', async () => {
  const one = await exported('one.bundle');
  const two = await exported('two.bundle');
  assert.deepEqual(
    [one.repositories, one.packages, one.date],
    [['debian_trixie', 'rocky_9_baseos_x86_64'], 1, '2026-06-15T10:00:00.000Z'],
  );
  assert.ok((await readFile(one.path)).equals(await readFile(two.path)));
  assert.equal(await isBundle(one.path), true);
  assert.equal(await isBundle(key), false);
  assert.doesNotMatch(zstdDecompressSync(await readFile(one.path)).toString('latin1'), /mirror\.example|secret/);
  const cache = fresh('one');
  const imported = await importBundle(one.path, into(cache));
  assert.deepEqual(imported, { date: one.date, repositories: 2, older: 0, packages: 1, feeds: 0 });
  assert.deepEqual(await filesOf(cache), [
    'changelogs/openssl_3.5.1-1%2Bdeb13u1.v1.json',
    `indexes/${INDEX.slice(0, 2)}/${INDEX}.primary.v1.zst`,
    `indexes/${INDEX.slice(0, 2)}/${INDEX}.v1.zst`,
    `packages/${PACKAGE.slice(0, 2)}/${PACKAGE}.deb`,
    'releases/debian_trixie.release',
    'releases/rocky_9_baseos_x86_64.release',
  ]);
  const release = await readCachedRelease(cache, 'debian/trixie');
  assert.deepEqual(
    [release?.text, release?.url, release?.keyring],
    [releaseText(15), 'bundle:debian_trixie', 'debian'],
  );
  // Once more: the same.
  assert.deepEqual(await importBundle(one.path, into(cache)), imported);
});

test('a state older than the known one takes nothing away', async () => {
  const { path } = await exported('older.bundle');
  const cache = fresh('newer');
  await writeRelease(cache, 20);
  const imported = await importBundle(path, into(cache));
  assert.deepEqual([imported.repositories, imported.older], [1, 1]);
  assert.equal((await readCachedRelease(cache, 'debian/trixie'))?.text, releaseText(20));
});

test('imported advisories travel, and are not imported twice', async () => {
  const document = join(folder, 'osv.json');
  const range = [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2' }] }];
  await writeFile(
    document,
    JSON.stringify({
      ...{
        id: 'DSA-1-1',
        modified: '2026-01-01T00:00:00Z',
        upstream: ['CVE-2026-0001'],
        database_specific: { severity: 'HIGH' },
      },
      affected: [
        { package: { ecosystem: 'Debian:13', name: 'openssl' }, ranges: range },
        { package: { ecosystem: 'Debian:12', name: 'openssl' }, versions: ['1', '2'] },
      ],
    }),
  );
  const open = (name: string) => openDatabase({ kind: 'embedded', directory: join(folder, name) });
  const [from, to] = [await open('from'), await open('to')];
  try {
    await importFeed(document, { database: from, scratch: join(folder, 'scratch') });
    const { path, feeds } = await exported('advisories.bundle', from);
    assert.equal(feeds, 1);
    const options = { ...into(fresh('advisories')), openDatabase: async () => to };
    assert.equal((await importBundle(path, options)).feeds, 1);
    assert.equal((await importBundle(path, options)).feeds, 0);
    for (const ecosystem of ['debian/trixie', 'debian/bookworm']) {
      const [ours, theirs] = [
        await findAdvisories(to.kysely, ecosystem, ['openssl']),
        await findAdvisories(from.kysely, ecosystem, ['openssl']),
      ];
      assert.equal(ours.length, 1);
      assert.deepEqual(ours, theirs);
    }
    const facts = ({ location, types, digest, bytes }: Awaited<ReturnType<typeof listFeeds>>[number]) => ({
      location,
      types,
      digest,
      bytes,
    });
    assert.deepEqual((await listFeeds(to.kysely)).map(facts), (await listFeeds(from.kysely)).map(facts));
  } finally {
    await from.close();
    await to.close();
  }
});

/** A bundle with members of our choice, signed by the right key: what a careless or hostile exporter could make. */
function forged(
  files: readonly { readonly path: string; readonly content: string; readonly says?: object }[],
  members = files,
  more: object = {},
): Buffer {
  const described = files.map(({ path, content, says }) => ({
    path,
    size: content.length,
    sha256: hash(content),
    ...says,
  }));
  const manifest = formatManifest({
    apiVersion: 'heraklit/v1',
    kind: 'Bundle',
    date: '',
    feeds: [],
    files: described,
    ...more,
  } as never);
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const facts = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const;
  const add = (path: string, content: Uint8Array): void =>
    writer.add({ path, size: content.length, ...facts }, content);
  add('heraklit-bundle.json', manifest);
  add('heraklit-bundle.sig', signBytes(manifest, pair.privateKey));
  for (const { path, content } of members) add(path, Buffer.from(content));
  writer.finish();
  return zstdCompressSync(Buffer.concat(chunks));
}

async function refused(name: string, bytes: Uint8Array, code: string, more: object = {}): Promise<void> {
  const path = join(folder, `${name}.bundle`);
  await writeFile(path, bytes);
  const cache = fresh(name);
  await assert.rejects(importBundle(path, { ...into(cache), ...more }), { code }, name);
  assert.deepEqual(await filesOf(cache), [], `${name} left something behind`);
}

test('another key, a changed byte anywhere, a cut anywhere: refused, and nothing is left behind', async () => {
  const bytes = await readFile((await exported('good.bundle')).path);
  const other = join(folder, 'other.pub');
  await writeFile(other, generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }));
  await refused('other-key', bytes, 'FEED_BUNDLE_UNTRUSTED', { key: other });
  const tar = zstdDecompressSync(bytes);
  const manifestAt = tar.indexOf('"date"');
  for (const [name, at, code] of [
    ['manifest', manifestAt + 12, 'FEED_BUNDLE_UNTRUSTED'],
    ['index', tar.indexOf('the index'), 'FEED_BUNDLE_INVALID'],
    ['package', tar.indexOf('a package'), 'FEED_BUNDLE_INVALID'],
    ['header', tar.indexOf('a package') - 500, 'FEED_BUNDLE_INVALID'],
  ] as const) {
    const changed = Buffer.from(tar);
    changed[at] = (changed[at] as number) ^ 1;
    await refused(`changed-${name}`, zstdCompressSync(changed), code);
  }
  for (let cut = 1; cut < 8; cut += 1) {
    await refused(`cut-${cut}`, bytes.subarray(0, Math.floor((bytes.length * cut) / 8)), 'FEED_BUNDLE_INVALID');
    await refused(
      `cut-tar-${cut}`,
      zstdCompressSync(tar.subarray(0, Math.floor((tar.length * cut) / 8))),
      'FEED_BUNDLE_INVALID',
    );
  }
  await refused('empty', Buffer.alloc(0), 'FEED_BUNDLE_INVALID');
  await refused('text', Buffer.from('hello'), 'FEED_BUNDLE_INVALID');
});

test('paths that lead elsewhere, members the manifest does not have, wrong names: refused even when signed', async () => {
  const paths = [
    '../x',
    '/etc/passwd',
    'releases/../../x.release',
    'releases/a/b.release',
    'x',
    'indexes/aa/../../x',
    'packages/aa/x.deb',
    'releases/.release',
  ];
  for (const [index, path] of paths.entries()) {
    const good = { path: 'changelogs/a_1.v1.json', content: '[]' };
    await refused(
      `path-${index}`,
      forged([good, { path, content: 'x' }], [good, { path: 'x', content: 'x' }]),
      'FEED_BUNDLE_INVALID',
    );
  }
  const changelog = { path: 'changelogs/a_1.v1.json', content: '[]' };
  await refused(
    'extra',
    forged([changelog], [changelog, { path: 'changelogs/b_1.v1.json', content: '[]' }]),
    'FEED_BUNDLE_INVALID',
  );
  await refused(
    'missing',
    forged([changelog, { path: 'changelogs/b_1.v1.json', content: '[]' }], [changelog]),
    'FEED_BUNDLE_INVALID',
  );
  await refused('twice', forged([changelog, changelog]), 'FEED_BUNDLE_INVALID');
  await refused('size', forged([{ ...changelog, says: { size: 3 } }]), 'FEED_BUNDLE_INVALID');
  await refused('hash', forged([{ ...changelog, says: { sha256: hash('x') } }]), 'FEED_BUNDLE_INVALID');
  await refused(
    'package',
    forged([{ path: `packages/${PACKAGE.slice(0, 2)}/${PACKAGE}.deb`, content: 'another' }]),
    'FEED_BUNDLE_INVALID',
  );
  await refused(
    'feed',
    forged([changelog], [changelog], { feeds: [{ path: 'advisories/0.jsonl' }] }),
    'FEED_BUNDLE_INVALID',
  );
  await refused('version', forged([changelog], [changelog], { apiVersion: 'heraklit/v9' }), 'FEED_BUNDLE_INVALID');
});

test('advisories that do not read stop the import before any file has its place', async () => {
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'untouched') });
  try {
    const lines = { path: 'advisories/0.jsonl', content: '{"id":"CVE-2026-0001","affected":[]}\n{"id":5}\n' };
    const changelog = { path: 'changelogs/a_1.v1.json', content: '[]' };
    const feed = {
      path: lines.path,
      location: '/x',
      distribution: '',
      askedType: '',
      types: ['osv'],
      digest: hash('x'),
      bytes: 1,
      problems: 0,
    };
    const bytes = forged([changelog, lines], [changelog, lines], { feeds: [feed] });
    await refused('unreadable-advisories', bytes, 'ADVISORY_INVALID', { openDatabase: async () => database });
    assert.deepEqual(await database.kysely.selectFrom('advisory_feed').selectAll().execute(), []);
  } finally {
    await database.close();
  }
});

test('keys of another kind, and bundles of nothing, are refused', async () => {
  const rsa = join(folder, 'rsa.key');
  await writeFile(
    rsa,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
  );
  const cache = join(folder, 'cache');
  for (const path of [rsa, publicKey, join(folder, 'absent'), join(cache, 'releases', 'debian_trusted.release')]) {
    await assert.rejects(exportBundle(join(folder, 'x'), { cache, key: path, database: undefined }), {
      code: 'FEED_KEY_INVALID',
    });
  }
  await assert.rejects(exportBundle(join(folder, 'x'), { cache: fresh('nothing'), key, database: undefined }), {
    code: 'FEED_BUNDLE_EMPTY',
  });
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('partial')),
    [],
  );
});
