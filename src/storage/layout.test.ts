import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Descriptor, digestOf, MediaType } from '../oci/index.ts';
import { initLayout, REF_NAME, readLayoutIndex, updateLayoutIndex, withImage } from './layout.ts';

const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'layout-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};
const descriptor = (text: string): Descriptor => ({
  mediaType: MediaType.manifest,
  digest: digestOf(text),
  size: text.length,
});
const invalid = { code: 'STORAGE_LAYOUT_INVALID' };

test('a tag moves, other tags stay, an untagged image is listed once', () => {
  const empty = { schemaVersion: 2, manifests: [] } as const;
  const one = withImage(withImage(empty, descriptor('a'), 'v1'), descriptor('b'), 'v2');
  const moved = withImage(one, descriptor('c'), 'v1');
  assert.deepEqual(
    moved.manifests.map((entry) => [entry.annotations?.[REF_NAME], entry.digest]),
    [
      ['v2', digestOf('b')],
      ['v1', digestOf('c')],
    ],
  );
  const twice = withImage(withImage(moved, descriptor('d'), undefined), descriptor('d'), undefined);
  assert.equal(twice.manifests.length, 3);
});

test('what is no layout is refused with the file that is wrong', () =>
  inFolder(async (folder) => {
    await assert.rejects(readLayoutIndex(folder), invalid);
    await initLayout(folder);
    assert.deepEqual((await readLayoutIndex(folder)).manifests, []);
    for (const text of [
      '',
      '[]',
      'null',
      '{"schemaVersion":1,"manifests":[]}',
      '{"schemaVersion":2,"manifests":[{}]}',
    ]) {
      await writeFile(join(folder, 'index.json'), text);
      await assert.rejects(readLayoutIndex(folder), invalid, text);
    }
    await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    await assert.rejects(initLayout(folder), invalid);
  }));

test('two processes that add images at once both get theirs in', () =>
  inFolder(async (folder) => {
    await initLayout(folder);
    const script = `
      import { updateLayoutIndex, withImage } from ${JSON.stringify(resolve(import.meta.dirname, 'layout.ts'))};
      import { digestOf } from ${JSON.stringify(resolve(import.meta.dirname, '../oci/index.ts'))};
      for (let n = 0; n < 10; n += 1) {
        const tag = process.argv[1] + n;
        await updateLayoutIndex(process.argv[2], (index) =>
          withImage(index, { mediaType: 'application/json', digest: digestOf(tag), size: 1 }, tag));
      }`;
    const run = (name: string) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, name, folder]);
    await Promise.all([run('left'), run('right')]);
    assert.equal((await readLayoutIndex(folder)).manifests.length, 20);
    assert.deepEqual((await readdir(folder)).sort(), ['index.json', 'oci-layout']);
    await updateLayoutIndex(folder, (index) => index);
  }));
