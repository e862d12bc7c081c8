import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { TarHeader } from '../../archive/index.ts';
import { readNeeded } from '../../elf/index.ts';
import { type LayerRecord, memoryLayerCache, readLayers } from '../../inventory/index.ts';
import { type BlobSource, type Digest, type LayerItem, MediaType, writeLayer } from '../../oci/index.ts';
import { createLayerFactsReader } from './layer-facts.ts';
import type { LayerFacts } from './types.ts';

const folder = await mkdtemp(join(tmpdir(), 'heraklit-facts-'));
after(() => rm(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(folder, String(count++));

const noBlobs: BlobSource = { open: () => assert.fail('nothing must be read') };
const common = { uid: 0, gid: 0, mtime: 1_700_000_000 };
const file = (path: string, content: Buffer, more: Partial<TarHeader> = {}): LayerItem => ({
  header: { ...common, path, type: 'file', mode: 0o644, size: content.length, ...more },
  content,
});

const path = fc.oneof(
  fc.constantFrom('etc/passwd', 'etc/os-release', 'var/lib/dpkg/status', 'usr/lib/libx.so.1', 'usr/bin/.wh.gone', 'é'),
  fc.stringMatching(/^[a-z]{1,60}(?:\/[a-z ]{1,60}){0,3}[a-z]$/),
);
const item: fc.Arbitrary<LayerItem> = fc
  .record({
    path,
    kind: fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'character'),
    mode: fc.nat(0o7777),
    uid: fc.nat(3_000_000),
    mtime: fc.nat(2_000_000_000),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.nat(200_000).map((size) => new Uint8Array(size).fill(size)),
    ),
    xattrs: fc.option(fc.uint8Array({ maxLength: 20 }), { nil: undefined }),
    streamed: fc.boolean(),
  })
  .map(({ path, kind, mode, uid, mtime, content, xattrs, streamed }) => {
    const more = { ...common, path, mode, uid, mtime, xattrs: new Map(xattrs ? [['user.x', xattrs]] : []) };
    if (kind === 'file') {
      const bytes = Buffer.from(content);
      const header: TarHeader = { ...more, type: 'file', size: bytes.length };
      return { header, content: streamed ? Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]) : bytes };
    }
    const type = kind as 'directory' | 'symlink' | 'hardlink' | 'character';
    const link = type === 'symlink' || type === 'hardlink' ? { linkName: 'usr/bin/x' } : {};
    const device = type === 'character' ? { deviceMajor: 1, deviceMinor: 3 } : {};
    return { header: { ...more, type, size: 0, ...link, ...device } };
  });

test('what is gathered while a layer is written is what reading it finds, for the builders and for the inventory', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(item, { selector: (one) => one.header.path, maxLength: 12 }), async (items) => {
      const [sink, directory] = [fresh(), fresh()];
      const records = memoryLayerCache();
      const writer = createLayerFactsReader(directory, records);
      const facts = writer.collector();
      const { digest, size, diffId, indexed } = await writeLayer(items, {
        compression: 'zstd',
        sink,
        sort: true,
        collect: facts.options,
      });
      assert.ok(indexed);
      await facts.keep(digest, indexed);
      const bytes = await readFile(sink);
      const blobs: BlobSource = { open: async () => Readable.from([bytes]) };
      const layer = { mediaType: MediaType.layerZstd, digest, size };
      const read = await createLayerFactsReader(fresh()).read(blobs, layer, diffId);
      const kept = await createLayerFactsReader(directory).read(noBlobs, layer, diffId);
      assert.deepEqual(plain(await writer.read(noBlobs, layer, diffId)), plain(read));
      assert.deepEqual(plain(kept), plain(read));
      const image = { digest, blobs, manifest: { layers: [layer] }, config: { rootfs: { diff_ids: [diffId] } } };
      const [scanned] = await readLayers(image as never, { hashFiles: true });
      assert.deepEqual(plainRecord(await records.get(digest)), plainRecord(scanned));
    }),
    { numRuns: 60 },
  );
});

const hex = (files: ReadonlyMap<string, Uint8Array>) =>
  [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]).sort();
const plain = ({ index, files, linked }: LayerFacts) => ({ index, files: hex(files), linked });
const plainRecord = (record: LayerRecord | undefined) => record && { ...record, captured: hex(record.captured) };

test('programs are looked at one by one, by name or mode', async () => {
  const program = await readFile(process.execPath)
    .then((bytes) => bytes.subarray(0, 4))
    .catch(() => Buffer.alloc(4));
  const bytes = Buffer.concat([program, Buffer.alloc(100)]);
  const sink = fresh();
  const reader = createLayerFactsReader(fresh());
  const facts = reader.collector();
  const items = [file('usr/bin/broken', bytes, { mode: 0o755 }), file('etc/shadow', Buffer.from('root:*:::::::\n'))];
  const { digest, size, diffId, indexed } = await writeLayer(items, {
    compression: 'none',
    sink,
    collect: facts.options,
  });
  assert.ok(indexed);
  await facts.keep(digest, indexed);
  const found = await reader.read(noBlobs, { mediaType: MediaType.layer, digest, size }, diffId);
  assert.deepEqual(found.linked, []);
  assert.deepEqual([...found.files.keys()], ['etc/shadow']);
});

test('damaged facts are made again from the layer; a layer that is another one is refused', async () => {
  const [sink, directory] = [fresh(), fresh()];
  const { digest, size, diffId } = await writeLayer([file('etc/passwd', Buffer.from('root'))], {
    compression: 'gzip',
    sink,
  });
  const bytes = await readFile(sink);
  const blobs: BlobSource = { open: async () => Readable.from([bytes]) };
  const layer = { mediaType: MediaType.layerGzip, digest, size };
  const before = await createLayerFactsReader(directory).read(blobs, layer, diffId);
  const version = join(directory, (await readdir(directory))[0] as string);
  const cached = join(version, (await readdir(version))[0] as string);
  const whole = await readFile(cached);
  for (const damage of [whole.subarray(0, whole.length - 5), Buffer.alloc(whole.length), Buffer.alloc(0)]) {
    await writeFile(cached, damage);
    assert.deepEqual(plain(await createLayerFactsReader(directory).read(blobs, layer, diffId)), plain(before));
  }
  const other: Digest = `sha256:${'0'.repeat(64)}`;
  await assert.rejects(createLayerFactsReader(fresh()).read(blobs, layer, other), { code: 'OCI_DIGEST_MISMATCH' });
});

test('a program too large to be kept is read while it passes; one whose names passed by is told', async () => {
  const program = await readFile('/bin/sh');
  const large = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(200_000)]);
  const odd = Buffer.from(program);
  // Its program headers stand, says its header, far behind everything that is kept.
  odd.writeBigUInt64LE(BigInt(60 * 1024 * 1024), 32);
  const items = [
    file('usr/bin/large', large(program), { mode: 0o755 }),
    file('usr/bin/odd', Buffer.concat([odd, Buffer.alloc(70 * 1024 * 1024)]), { mode: 0o755 }),
    file('usr/bin/text', Buffer.from(`#!/bin/sh\n${'# '.repeat(200_000)}`), { mode: 0o755 }),
    file('usr/bin/small', program.subarray(0, 60), { mode: 0o755 }),
  ];
  const sink = fresh();
  const reader = createLayerFactsReader(fresh(), undefined, 100_000);
  const facts = reader.collector();
  const { digest, size, diffId, indexed } = await writeLayer(items, {
    compression: 'zstd',
    sink,
    collect: facts.options,
  });
  assert.ok(indexed);
  await facts.keep(digest, indexed);
  const layer = { mediaType: MediaType.layerZstd, digest, size };
  const { linked } = await reader.read(noBlobs, layer, diffId);
  assert.deepEqual(linked, [
    { path: 'usr/bin/large', needed: readNeeded(program) },
    { path: 'usr/bin/odd', needed: [], unread: true },
  ]);
});
