import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTarBuffer } from '../../src/archive/index.ts';
import {
  type Descriptor,
  digestHex,
  digestOf,
  indexLayer,
  type LayerItem,
  MediaType,
  serialize,
  writeLayer,
} from '../../src/oci/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'heraklit-written-'));
after(() => rmSync(scratch, { recursive: true }));

const base = { mode: 0o755, uid: 0, gid: 0, mtime: 0, size: 0 };
const content = Buffer.alloc(3_000_000, 'a line of text that repeats, as text does\n');
const items: readonly LayerItem[] = [
  { header: { ...base, path: 'usr', type: 'directory' } },
  { header: { ...base, path: `usr/${'long/'.repeat(40)}name`, type: 'file', size: content.length }, content },
  { header: { ...base, path: 'lib', type: 'symlink', linkName: 'usr/lib' } },
  { header: { ...base, path: 'usr/hard', type: 'hardlink', linkName: `usr/${'long/'.repeat(40)}name` } },
  { header: { ...base, path: 'ping', type: 'file', xattrs: new Map([['security.capability', Buffer.alloc(20, 1)]]) } },
];

for (const [compression, mediaType] of [
  ['zstd', MediaType.layerZstd],
  ['gzip', MediaType.layerGzip],
  ['none', MediaType.layer],
] as const) {
  test(`skopeo unpacks our ${compression} layer to its diff id, and tar lists what we wrote`, async (context) => {
    if (spawnSync('skopeo', ['--version']).error !== undefined) return context.skip('skopeo not installed');
    const layout = join(scratch, compression);
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    const sink = join(scratch, `${compression}.layer`);
    const layer = await writeLayer(items, { compression, sink, sort: true });
    renameSync(sink, join(layout, 'blobs/sha256', digestHex(layer.digest)));
    const put = (value: object, type: string): Descriptor => {
      const bytes = serialize(value);
      writeFileSync(join(layout, 'blobs/sha256', digestHex(digestOf(bytes))), bytes);
      return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
    };
    const rootfs = { type: 'layers', diff_ids: [layer.diffId] };
    const config = put({ architecture: 'amd64', os: 'linux', rootfs }, MediaType.config);
    const layers = [{ mediaType, digest: layer.digest, size: layer.size }];
    const manifest = put({ schemaVersion: 2, mediaType: MediaType.manifest, config, layers }, MediaType.manifest);
    writeFileSync(join(layout, 'index.json'), serialize({ schemaVersion: 2, manifests: [manifest] }));
    writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');

    const out = join(scratch, `${compression}-out`);
    const copy = spawnSync('skopeo', ['--insecure-policy', 'copy', '--dest-decompress', `oci:${layout}`, `dir:${out}`]);
    assert.equal(copy.status, 0, String(copy.stderr));
    const plain = readFileSync(join(out, digestHex(layer.diffId)));
    assert.equal(digestOf(plain), layer.diffId);
    assert.equal(plain.length, layer.uncompressedSize);
    const names = [...readTarBuffer(plain)].map(({ path }) => path);
    const listed = spawnSync('tar', ['-tf', join(out, digestHex(layer.diffId))])
      .stdout.toString()
      .trim()
      .split('\n');
    assert.deepEqual(
      listed.map((name) => name.replace(/\/$/, '')),
      names,
    );
    const read = await indexLayer(createReadStream(join(layout, 'blobs/sha256', digestHex(layer.digest))), mediaType);
    assert.equal(read.diffId, layer.diffId);
    assert.deepEqual(
      read.index.entries.map(({ path }) => path),
      names,
    );
  });
}

test('a small layer is, byte for byte, what GNU tar writes as ustar', async (context) => {
  if (spawnSync('tar', ['--version']).error !== undefined) return context.skip('tar not installed');
  const tree = mkdtempSync(join(scratch, 'tree-'));
  mkdirSync(join(tree, 'etc'), { mode: 0o755 });
  writeFileSync(join(tree, 'etc/motd'), 'hello\n', { mode: 0o644 });
  symlinkSync('motd', join(tree, 'etc/link'));
  const fixed = [
    '--format=ustar',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mtime=@0',
    '--mode=u=rwX,go=rX',
    '-b1',
  ];
  const theirs = spawnSync('tar', [...fixed, '--sort=name', '-C', tree, '-cf', '-', 'etc']).stdout;
  const sink = join(scratch, 'fixed');
  const motd = { ...base, path: 'etc/motd', type: 'file', mode: 0o644, size: 6 } as const;
  await writeLayer(
    [
      { header: { ...base, path: 'etc', type: 'directory' } },
      { header: { ...base, path: 'etc/link', type: 'symlink', linkName: 'motd' } },
      { header: motd, content: Buffer.from('hello\n') },
    ],
    { compression: 'none', sink },
  );
  assert.deepEqual(readFileSync(sink).toString('latin1'), theirs.toString('latin1'));
});
