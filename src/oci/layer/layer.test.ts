import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createTarWriter, type TarHeader } from '../../archive/index.ts';
import { isHeraklitError } from '../../base/index.ts';
import { digestOf } from '../digest.ts';
import { type LayerCompression, MediaType } from '../media-types.ts';
import { diffTrees } from './diff-trees.ts';
import { flattenLayers } from './flatten.ts';
import { parseLayerIndex, serializeLayerIndex } from './index-format.ts';
import { indexLayer } from './index-layer.ts';
import type { LayerIndex } from './types.ts';
import { opaqueOf, parseWhiteout, whiteoutOf } from './whiteout.ts';
import { type LayerItem, writeLayer } from './write-layer.ts';

const scratch = await mkdtemp(join(tmpdir(), 'heraklit-layer-'));
after(() => rm(scratch, { recursive: true }));

type Short = string | readonly [path: string, change: Partial<TarHeader> & { readonly content?: string }];

/** `a/` is a folder, anything else a file holding its own name. */
function item(short: Short): LayerItem {
  const [name, { content: given, ...change }] = typeof short === 'string' ? [short, {} as { content?: string }] : short;
  const base = { mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 1 };
  if (name.endsWith('/')) return { header: { ...base, path: name.slice(0, -1), type: 'directory', ...change } };
  const content = Buffer.from((change as Partial<TarHeader>).type === undefined ? (given ?? name) : '');
  return { header: { ...base, path: name, type: 'file', size: content.length, ...change }, content };
}

function tar(shorts: readonly Short[]): Buffer {
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  for (const { header, content } of shorts.map(item)) writer.add(header, content as Uint8Array | undefined);
  writer.finish();
  return Buffer.concat(parts);
}

async function* once(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const indexOf = async (...shorts: readonly Short[]): Promise<LayerIndex> =>
  (await indexLayer(once(tar(shorts)), MediaType.layer, { hashFiles: true })).index;

const paths = async (...layers: readonly (readonly Short[])[]): Promise<string[]> =>
  [...flattenLayers(await Promise.all(layers.map((layer) => indexOf(...layer)))).keys()].sort();

test('a layer is indexed, hashed and captured whatever its compression', async () => {
  const plain = tar(['etc/', 'etc/os-release', 'etc/.wh.old', 'var/.wh..wh..opq', '.wh..wh.plnk/1.2']);
  for (const stored of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
    const layer = await indexLayer(once(stored.subarray(0, 3), stored.subarray(3)), MediaType.layerGzip, {
      capture: ({ path }) => path === 'etc/os-release',
      hashFiles: true,
    });
    assert.equal(layer.diffId, digestOf(plain));
    assert.equal(layer.index.bytes, plain.length);
    assert.deepEqual(layer.index.whiteouts, ['etc/old']);
    assert.deepEqual(layer.index.opaques, ['var']);
    assert.deepEqual(
      layer.index.entries.map((entry) => entry.path),
      ['etc', 'etc/os-release'],
    );
    assert.equal(layer.index.entries[1]?.sha256, digestOf('etc/os-release').slice(7));
    assert.equal(String(layer.captured.get('etc/os-release')), 'etc/os-release');
  }
});

test('hostile and broken layers are refused with a code', async () => {
  const refused = async (bytes: Uint8Array, code: string, mediaType: string = MediaType.layer, options = {}) =>
    assert.rejects(indexLayer(once(bytes), mediaType, options), (error) => isHeraklitError(error, code));
  const evil = tar(['aa/evil']);
  evil.write('../evil', 0);
  evil.write('00000000', 148);
  let sum = 8 * 0x20;
  for (let at = 0; at < 512; at += 1) if (at < 148 || at >= 156) sum += evil[at] as number;
  evil.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  await refused(evil, 'OCI_LAYER_INVALID');
  await refused(Buffer.from('no tar at all'), 'OCI_LAYER_INVALID');
  await refused(gzipSync(tar(['a'])).subarray(0, 60), 'OCI_LAYER_INVALID');
  await refused(tar(['a/.wh...']), 'OCI_LAYER_INVALID');
  await refused(tar(['a/.wh.']), 'OCI_LAYER_INVALID');
  await refused(tar(['a']), 'OCI_LAYER_INVALID', 'application/vnd.in-toto+json');
  const zeros = gzipSync(tar([['zeros', { content: '\0'.repeat(5_000_000) }]]));
  await refused(zeros, 'OCI_LAYER_LIMIT', MediaType.layerGzip, { limits: { bytes: 1_000_000 } });
  await refused(zeros, 'OCI_LAYER_LIMIT', MediaType.layerGzip, { capture: () => true, captureLimit: 1000 });
  await refused(tar(['a', 'b', 'c']), 'OCI_LAYER_LIMIT', MediaType.layer, { limits: { entries: 2 } });
});

test('whiteouts and opaque folders hide lower layers only', async () => {
  const base: readonly Short[] = ['a/', 'a/x', 'a/y', 'b/', 'b/z', 'c'];
  assert.deepEqual(await paths(base, ['.wh.a', '.wh.c']), ['b', 'b/z']);
  assert.deepEqual(await paths(base, ['a/', 'a/.wh.x']), ['a', 'a/y', 'b', 'b/z', 'c']);
  assert.deepEqual(await paths(base, ['a/', 'a/new', 'a/.wh..wh..opq']), ['a', 'a/new', 'b', 'b/z', 'c']);
  assert.deepEqual(await paths(base, ['a/', 'a/new', '.wh.a']), ['a', 'a/new', 'b', 'b/z', 'c']);
  assert.deepEqual(await paths(base, ['.wh..wh..opq', 'only']), ['only']);
  assert.deepEqual(await paths(['a/b/c/file'], ['a/.wh.b']), [], 'folders that no layer spells out');
});

test('a path that changes its type takes what is below with it', async () => {
  assert.deepEqual(await paths(['a/', 'a/x', 'ab'], [['a', {}]]), ['a', 'ab']);
  assert.deepEqual(await paths(['a/x/y'], ['a']), ['a']);
  assert.deepEqual(await paths([['lib', { type: 'symlink', linkName: 'usr/lib' }]], ['lib/', 'lib/x']), [
    'lib',
    'lib/x',
  ]);
  assert.deepEqual(await paths(['a'], ['a/b']), ['a/b']);
  const kept = await paths(['a/', 'a/x'], ['a/', 'a/y']);
  assert.deepEqual(kept, ['a', 'a/x', 'a/y']);
});

test('a hardlink keeps the file it was made for', async () => {
  const link = ['b', { type: 'hardlink', linkName: 'a' }] as const;
  const second = ['c', { type: 'hardlink', linkName: 'b' }] as const;
  const tree = flattenLayers([await indexOf('a', link), await indexOf(second, ['a', { content: 'changed' }])]);
  assert.equal(tree.get('c')?.target?.entry.sha256, digestOf('a').slice(7));
  assert.equal(tree.get('c')?.target?.layer, 0);
  assert.equal(tree.get('a')?.layer, 1);
});

test('trees are compared by content, type, owner and mode, not by time', async () => {
  const before = flattenLayers([await indexOf('a', 'b', 'c', 'gone', 'd/')]);
  const now = await indexOf(['a', { mtime: 9 }], ['b', { content: 'other' }], ['c', { mode: 0o600 }], 'new', 'd/');
  const after_ = flattenLayers([now]);
  assert.deepEqual(diffTrees(before, after_), { added: ['new'], removed: ['gone'], changed: ['b', 'c'] });
});

test('a layer index survives the cache', async () => {
  const index = await indexOf(
    'etc/',
    ['etc/\udc80', { xattrs: new Map([['user.x', Buffer.from([0, 255])]]) }],
    ['l', { type: 'symlink', linkName: '/x' }],
    ['dev', { type: 'block', deviceMajor: 8, deviceMinor: 1 }],
    '.wh.a',
    'b/.wh..wh..opq',
  );
  assert.deepEqual(parseLayerIndex(serializeLayerIndex(index)), index);
  const unhashed = (await indexLayer(once(tar(['a'])), MediaType.layer)).index;
  assert.deepEqual(parseLayerIndex(serializeLayerIndex(unhashed)), unhashed);
  for (const bad of ['', '{}', 'null', '{"version":1}']) {
    assert.throws(
      () => parseLayerIndex(Buffer.from(bad)),
      (error) => isHeraklitError(error, 'OCI_LAYER_INVALID'),
    );
  }
});

test('whiteout names go both ways', () => {
  for (const path of ['a', 'a/b/c']) {
    assert.deepEqual(parseWhiteout(whiteoutOf(path)), { kind: 'hides', path });
    assert.deepEqual(parseWhiteout(opaqueOf(path)), { kind: 'opaque', path });
  }
  assert.deepEqual(parseWhiteout(opaqueOf('')), { kind: 'opaque', path: '' });
});

const random = randomBytes(700_000);
const items = (step: number): LayerItem[] => [
  item(['z', { mtime: 99 }]),
  item(['b-link', { type: 'hardlink', linkName: 'z' }]),
  { header: { ...item('m').header, path: 'm', size: random.length }, content: sliced(random, step) },
  item('a/'),
];

async function* sliced(bytes: Buffer, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

for (const compression of ['none', 'gzip', 'zstd'] as const satisfies readonly LayerCompression[]) {
  test(`a ${compression} layer has the same bytes however its content arrives, and digests that are true`, async () => {
    const sink = join(scratch, `layer-${compression}`);
    const written = [];
    for (const step of [100, 4096, 300_000, 700_000]) {
      written.push(await writeLayer(items(step), { compression, sink, sort: true, clampMtime: 50 }));
    }
    assert.equal(new Set(written.map(({ digest }) => digest)).size, 1);
    const file = await readFile(sink);
    assert.equal(digestOf(file), written[0]?.digest);
    assert.equal(file.length, written[0]?.size);
    const read = await indexLayer(once(file), MediaType.layer);
    assert.equal(read.diffId, written[0]?.diffId);
    assert.equal(read.index.bytes, written[0]?.uncompressedSize);
    assert.deepEqual(
      read.index.entries.map(({ path, mtime }) => [path, mtime]),
      [
        ['a', 1],
        ['m', 1],
        ['z', 50],
        ['b-link', 1],
      ],
    );
  });
}

test('a full disk is told as such, and leaves no file', async (context) => {
  if (!existsSync('/dev/full')) return context.skip('/dev/full not installed');
  const sink = join(scratch, 'full');
  await symlink('/dev/full', sink);
  await assert.rejects(writeLayer([item('a')], { compression: 'zstd', sink }), (error) =>
    isHeraklitError(error, 'DISK_FULL'),
  );
  assert.ok(!(await readdir(scratch)).includes('full'));
});

test('a layer whose content is not as long as announced leaves no file', async () => {
  const sink = join(scratch, 'broken');
  const wrong = { ...item('a'), content: sliced(Buffer.alloc(3), 1) };
  await assert.rejects(writeLayer([wrong], { compression: 'zstd', sink }), (error) =>
    isHeraklitError(error, 'ARCHIVE_SIZE_MISMATCH'),
  );
  assert.ok(!(await readdir(scratch)).includes('broken'));
});
