import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Descriptor, digestOf } from '../oci/index.ts';
import { inspectImage } from './inspect-image.ts';
import { directoryLayerCache } from './layer-cache.ts';
import { type LayerRecord, parseLayerRecord, serializeLayerRecord } from './layer-record.ts';
import { OS_RELEASE, stanza } from './testing/debian-root.ts';
import { memoryImage } from './testing/memory-image.ts';

const blob = digestOf('blob');
const record: LayerRecord = {
  blob,
  index: {
    diffId: digestOf('diff'),
    entries: [{ path: 'a/ü', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 3, mtime: 5, sha256: '0'.repeat(64) }],
    whiteouts: ['b'],
    opaques: [''],
    bytes: 2048,
  },
  captured: new Map([
    ['etc/os-release', Buffer.from('ID=x')],
    ['empty', Buffer.alloc(0)],
  ]),
  skipped: [{ path: 'big', reason: 'too big' }],
  hashed: true,
  findings: [{ reader: 'package.json', path: 'a/package.json', problems: ['is no JSON'] }],
  readers: '0123456789abcdef',
};

test('a record comes back as it went; damaged or cut bytes count as missing', () => {
  const bytes = serializeLayerRecord(record);
  assert.deepEqual(parseLayerRecord(blob, bytes), record);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), (cut) => {
      assert.equal(parseLayerRecord(blob, bytes.subarray(0, cut)), undefined);
    }),
  );
  assert.equal(parseLayerRecord(blob, Buffer.concat([bytes, Buffer.from('x')])), undefined);
  assert.equal(
    parseLayerRecord(blob, Buffer.from(bytes.toString('latin1').replace('"version":1', '"version":0'), 'latin1')),
    undefined,
  );
});

test('on disk: a second scan opens no blob, a damaged file is made again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'layer-cache-'));
  try {
    const opened = new Map();
    const image = memoryImage([{ 'etc/os-release': OS_RELEASE, 'var/lib/dpkg/status': stanza('dpkg', '1') }], {
      opened,
    });
    const [layer] = image.manifest.layers as [Descriptor];
    assert.equal(directoryLayerCache(folder).has(layer.digest), false);
    let started = 0;
    const reading = (): void => {
      started += 1;
    };
    const first = await inspectImage(image, { layerCache: directoryLayerCache(folder), reading });
    assert.equal(directoryLayerCache(folder).has(layer.digest), true);
    await inspectImage(image, { layerCache: directoryLayerCache(folder), reading });
    assert.equal(started, 1);
    const second = await inspectImage(image, { layerCache: directoryLayerCache(folder) });
    assert.deepEqual([second.packages.length, second.distribution], [first.packages.length, first.distribution]);
    assert.deepEqual([...opened.values()], [1]);
    const [file] = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.zst'));
    const path = join(folder, file as string);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0xff;
    await writeFile(path, bytes);
    assert.equal((await inspectImage(image, { layerCache: directoryLayerCache(folder) })).packages.length, 1);
    assert.deepEqual([...opened.values()], [2]);
    await inspectImage(image, { layerCache: directoryLayerCache(folder) });
    assert.deepEqual([...opened.values()], [2]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
