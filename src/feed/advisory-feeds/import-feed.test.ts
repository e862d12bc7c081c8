import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { createTarWriter } from '../../archive/index.ts';
import { type Database, openDatabase } from '../../database/index.ts';
import { findAdvisories, importFeed, listFeeds, removeFeed } from './index.ts';

let folder: string;
let database: Database;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heraklit-advisories-'));
  database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const osv = (id: string, fixed: string, more: object = {}): string =>
  JSON.stringify({
    ...{
      schema_version: '1.7.0',
      id,
      modified: '2024-01-01T00:00:00Z',
      published: '2024-01-01T00:00:00Z',
      upstream: [`CVE-2024-${id.replace(/\D/g, '').padStart(4, '0')}`],
    },
    affected: [
      {
        package: { ecosystem: 'Debian:12', name: 'glibc' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }],
      },
    ],
    ...more,
  });
const known = async (): Promise<readonly string[]> =>
  (await findAdvisories(database.kysely, 'debian/bookworm', ['glibc'])).map(
    ({ advisory, affected }) => `${advisory.id} ${affected.fixed ?? affected.status}`,
  );
const options = () => ({ database, scratch: join(folder, 'scratch') });
const file = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

/** A zip archive by the format's own note (APPNOTE.TXT), deflated. */
function zip(members: readonly (readonly [string, string])[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of members) {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(8, 4);
    head.writeUInt32LE(crc32(content), 10);
    head.writeUInt32LE(packed.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), head, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

test('a document is imported once, replaced by other content, and forgotten on demand', async () => {
  const path = await file('one.json', osv('DSA-1-1', '2.36-9+deb12u1'));
  const first = await importFeed(path, options());
  assert.deepEqual(
    [first.kind, first.feed.types, first.feed.advisories, first.feed.packages],
    ['imported', ['osv'], 1, 1],
  );
  const again = await importFeed(path, options());
  assert.equal(again.kind, 'unchanged');
  assert.deepEqual(again.feed, { ...first.feed, imported: again.feed.imported });
  assert.deepEqual(await known(), ['DSA-1-1 2.36-9+deb12u1']);
  await writeFile(path, osv('DSA-2-1', '2.36-9+deb12u2'));
  assert.equal((await importFeed(path, options())).kind, 'imported');
  assert.deepEqual(await known(), ['DSA-2-1 2.36-9+deb12u2']);
  // What fails leaves what was known.
  await writeFile(path, `[${osv('DSA-3-1', '1')},`);
  await assert.rejects(importFeed(path, options()), { code: 'ADVISORY_INVALID' });
  assert.deepEqual(await known(), ['DSA-2-1 2.36-9+deb12u2']);
  await writeFile(path, '[]');
  await assert.rejects(importFeed(path, { ...options(), type: 'osv' }), { code: 'FEED_DOCUMENT_EMPTY' });
  assert.equal((await listFeeds(database.kysely)).length, 1);
  assert.equal(await removeFeed(database, path), true);
  assert.equal(await removeFeed(database, path), false);
  assert.deepEqual(await known(), []);
  assert.deepEqual(await database.kysely.selectFrom('advisory_package').selectAll().execute(), []);
});

test('what was withdrawn is kept and says nothing', async () => {
  const path = await file('withdrawn.json', osv('DSA-9-1', '3', { withdrawn: '2024-02-01T00:00:00Z' }));
  assert.equal((await importFeed(path, options())).feed.advisories, 1);
  assert.deepEqual(await known(), []);
  await removeFeed(database, path);
});

test('archives and folders: each member on its own, broken ones told', async () => {
  const members = [
    ['a.json', osv('DSA-4-1', '4')],
    ['b.json', '{"id": "DSA-5-1", '],
    ['notes.txt', 'x'],
    ['c.json', osv('DSA-6-1', '6')],
  ] as const;
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const facts = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0 } as const;
  for (const [path, content] of members) writer.add({ path, size: content.length, ...facts }, Buffer.from(content));
  writer.finish();
  const tar = Buffer.concat(chunks);
  const directory = join(folder, 'dump', 'sub');
  await mkdir(directory, { recursive: true });
  for (const [name, content] of members) await writeFile(join(directory, name), content);
  await symlink('/etc/passwd', join(directory, 'd.json'));
  const inputs = [
    await file('all.zip', zip(members)),
    await file('all.tar', tar),
    await file('all.tar.zst', zstdCompressSync(tar)),
    await file('all.tar.gz', gzipSync(tar)),
    join(folder, 'dump'),
  ];
  for (const input of inputs) {
    const { feed, problems } = await importFeed(input, options());
    assert.deepEqual([feed.advisories, feed.problems], [2, 1], input);
    assert.match(problems[0] ?? '', /b\.json/);
    assert.deepEqual(await known(), ['DSA-4-1 4', 'DSA-6-1 6']);
    await removeFeed(database, feed.location);
  }
  const broken = zip(members);
  broken.fill(0xff, 40, 60);
  await assert.rejects(importFeed(await file('broken.zip', broken), options()), { code: 'FEED_DOCUMENT_UNREADABLE' });
  await assert.rejects(importFeed(await file('cut.zip', zip(members).subarray(0, 200)), options()), {
    code: 'FEED_DOCUMENT_UNREADABLE',
  });
  await assert.rejects(importFeed(await file('cut.tar.gz', gzipSync(tar).subarray(0, 300)), options()), {
    code: 'ARCHIVE_CORRUPT',
  });
  await assert.rejects(importFeed(join(folder, 'absent.json'), options()), { code: 'FEED_DOCUMENT_UNREADABLE' });
  const big = zip([['a.json', 'x']]);
  big.writeUInt32LE(0x7fffffff, big.indexOf('PK\x01\x02') + 24);
  await assert.rejects(importFeed(await file('big.zip', big), options()), { code: 'FEED_DOCUMENT_TOO_LARGE' });
  assert.deepEqual(await listFeeds(database.kysely), []);
});

test('a URL is fetched, its credentials are used and not kept', async () => {
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from('me:secret').toString('base64')}`)
      response.statusCode = 401;
    response.end(gzipSync(osv('DSA-7-1', '7')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { feed } = await importFeed(`http://me:secret@127.0.0.1:${port}/all.json.gz`, options());
    assert.doesNotMatch(feed.location, /secret/);
    assert.deepEqual(await known(), ['DSA-7-1 7']);
    await removeFeed(database, feed.location);
    await assert.rejects(importFeed(`http://127.0.0.1:${port}/x`, options()), { code: 'FEED_UNREACHABLE' });
  } finally {
    server.close();
  }
});

test('many rows come in several transactions and count all at once', async () => {
  const lines = Array.from({ length: 9_000 }, (_, index) => osv(`DSA-${index}-1`, `2.36-${index}`)).join('\n');
  const path = await file('many.jsonl', lines);
  const { feed } = await importFeed(path, options());
  assert.deepEqual([feed.advisories, (await known()).length], [9_000, 9_000]);
  await removeFeed(database, path);
});

test('an import that was killed counts for nothing and is cleared away later', async () => {
  const rows = {
    location: 'x',
    distribution: '',
    asked_type: '',
    types: [],
    digest: '',
    bytes: 0,
    advisories: 0,
    packages: 0,
    problems: 0,
    ready: false,
  };
  await database.kysely
    .insertInto('advisory_feed')
    .values({ ...rows, imported: new Date(0) })
    .execute();
  assert.deepEqual(await listFeeds(database.kysely), []);
  const path = await file('fresh.json', osv('DSA-8-1', '8'));
  await importFeed(path, options());
  const left = await database.kysely.selectFrom('advisory_feed').select('location').execute();
  assert.deepEqual(left, [{ location: path }]);
  await removeFeed(database, path);
});
