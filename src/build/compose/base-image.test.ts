import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { TarHeader } from '../../archive/index.ts';
import { type Digest, digestOf, type LayerItem, MediaType, type ResolvedImage } from '../../oci/index.ts';
import { ahead } from './ahead.ts';
import { readBaseFiles, unpackImage } from './base-image.ts';
import { atEpoch, takeChanges } from './normalize.ts';
import { tarOf } from './tar-items.ts';

function item(path: string, text?: string, change: Partial<TarHeader> = {}): LayerItem {
  const content = Buffer.from(text ?? '');
  const type = text === undefined ? 'directory' : 'file';
  const header = { path, type, mode: 0o755, uid: 0, gid: 0, size: content.length, mtime: 5, ...change } as const;
  return text === undefined ? { header } : { header, content };
}

function image(layers: readonly (readonly LayerItem[])[]): ResolvedImage {
  const blobs = new Map<Digest, Buffer>(layers.map(tarOf).map((bytes) => [digestOf(bytes), bytes]));
  const descriptors = [...blobs].map(([digest, { length }]) => ({ mediaType: MediaType.layer, digest, size: length }));
  const config = { mediaType: MediaType.config, digest: digestOf('{}'), size: 2 };
  return {
    ...{ digest: digestOf('x'), mediaType: MediaType.manifest, manifestBytes: Buffer.alloc(0) },
    manifest: { schemaVersion: 2, config, layers: descriptors },
    config: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [...blobs.keys()] } },
    blobs: { open: async (digest) => Readable.from([blobs.get(digest)]) },
  };
}

const STACK = image([
  [item('a'), item('a/1', 'one'), item('a/2', 'two'), item('b'), item('b/x', 'x'), item('status', 'old')],
  [item('a'), item('a/.wh.1', ''), item('b'), item('b/.wh..wh..opq', ''), item('b/y', 'y'), item('status', 'new')],
  [item('a'), item('a/3', 'three')],
]);

test('an image is unpacked as an engine would, whiteouts and opaque folders included', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-base-'));
  context.after(() => rmSync(folder, { recursive: true }));
  await unpackImage(STACK, folder);
  assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['a', 'a/2', 'a/3', 'b', 'b/y', 'status']);
  assert.equal(readFileSync(join(folder, 'status'), 'utf8'), 'new');
  assert.ok(!existsSync(join(folder, 'a/1')));
});

test('files of a base come from the topmost layer that has them, and not from below a whiteout', async () => {
  const files = await readBaseFiles(STACK, ['status', 'a/1', 'a/2', 'b/x', 'nowhere'], (path) => path === 'b/y');
  assert.deepEqual([...files].map(([path, { content }]) => [path, String(content)]).sort(), [
    ['a/2', 'two'],
    ['b/y', 'y'],
    ['status', 'new'],
  ]);
});

test('layers are loaded in order, a few ahead, and a failure surfaces where it belongs', async () => {
  let running = 0;
  let most = 0;
  const load = async (value: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (value === 7) throw new Error('seven');
    return value;
  };
  assert.deepEqual(await Array.fromAsync(ahead([1, 2, 3, 4, 5, 6], 2, load)), [1, 2, 3, 4, 5, 6]);
  assert.ok(most <= 3);
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const value of ahead([6, 7, 8], 2, load)) seen.push(value);
  }, /seven/);
  assert.deepEqual(seen, [6]);
});

test('what scripts changed becomes independent of when and where they ran', async () => {
  const link = (path: string, linkName: string): LayerItem => item(path, '', { type: 'symlink', linkName, size: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'compose-changes-'));
  const { writeFileSync } = await import('node:fs');
  const shadow = join(folder, 'shadow');
  writeFileSync(shadow, 'root:*:20000:0:99999:7:::\nshort:x\n');
  try {
    const changes = async function* () {
      yield { kind: 'entry', header: item('etc').header } as const;
      const header = item('etc/shadow', 'x', { size: 34, mtime: 9e9 }).header;
      yield { kind: 'entry', header, content: Buffer.from(shadow) } as const;
      yield {
        kind: 'entry',
        header: item('etc/ssl/certs/ssl-cert-snakeoil.pem', 'x').header,
        content: Buffer.from(shadow),
      } as const;
      yield { kind: 'entry', header: link('etc/ssl/certs/abc.0', 'ssl-cert-snakeoil.pem').header } as const;
      yield { kind: 'entry', header: link('etc/ssl/certs/def.0', 'other.pem').header } as const;
      yield { kind: 'whiteout', path: 'usr/gone' } as const;
      yield { kind: 'whiteout', path: 'var/lib/dpkg/status-old' } as const;
    };
    const items = atEpoch(await takeChanges(changes()), 86_400);
    assert.deepEqual(
      items.map(({ header }) => [header.path, header.mtime]),
      [
        ['etc', 86_400],
        ['etc/shadow', 86_400],
        ['etc/ssl/certs/def.0', 86_400],
        ['usr/.wh.gone', 86_400],
      ],
    );
    assert.equal(String(items[1]?.content), 'root:*:1:0:99999:7:::\nshort:x\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
