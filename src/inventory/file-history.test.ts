import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileChanges } from './file-history.ts';
import { readLayers } from './read-layers.ts';
import { type LayerFiles, memoryImage } from './testing/memory-image.ts';

async function told(layers: readonly LayerFiles[], wanted: (path: string) => boolean = () => true) {
  const records = await readLayers(memoryImage(layers), { hashFiles: true });
  const changes = fileChanges(
    records.map(({ index }) => index),
    wanted,
  );
  return changes.map((layer) => layer.map(({ action, path, size }) => `${action} ${path} ${size ?? '-'}`));
}

test('what each layer added, changed and removed; what it ships again is no change', async () => {
  assert.deepEqual(
    await told([
      { 'etc/': '', 'etc/a': 'one', 'etc/b': 'x', 'srv/c': 'y' },
      { 'etc/a': 'another', 'etc/b': 'x' },
      { 'etc/.wh.a': '', 'srv/.wh..wh..opq': '', 'srv/d': 'z' },
      { 'etc/a': 'back' },
    ]),
    [
      ['added etc 0', 'added etc/a 3', 'added etc/b 1', 'added srv/c 1'],
      ['changed etc/a 7'],
      ['removed etc/a -', 'removed srv/c -', 'added srv/d 1'],
      ['added etc/a 4'],
    ],
  );
});

test('only what is wanted is told, and a folder that hides it counts', async () => {
  assert.deepEqual(
    await told([{ 'etc/app/a': '1', 'etc/b': '2' }, { 'etc/.wh.app': '' }, { 'etc/app': { symlink: 'b' } }], (path) =>
      path.startsWith('etc/app/'),
    ),
    [['added etc/app/a 1'], ['removed etc/app/a -'], []],
  );
});
