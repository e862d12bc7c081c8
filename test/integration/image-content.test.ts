import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { compareContent } from '../../src/build/content/compare.ts';
import { contentOf } from '../../src/build/content/normal-form.ts';
import { createLayerFactsReader, type LayerFactsReader } from '../../src/build/layers/layer-facts.ts';
import { type LayerFiles, memoryImage } from '../../src/inventory/testing/memory-image.ts';
import type { ImageConfig } from '../../src/oci/index.ts';

let folder: string;
let layers: LayerFactsReader;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'content-'));
  layers = createLayerFactsReader(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const content = (files: readonly LayerFiles[], config: Partial<ImageConfig> = {}) =>
  contentOf(memoryImage(files, { config }), layers);
const differs = async (a: readonly LayerFiles[], b: readonly LayerFiles[]) =>
  compareContent(await content(a), await content(b));

test('how files are spread over layers, what they cover, and who spells out folders makes no difference', async () => {
  const files = fc.dictionary(
    fc.stringMatching(/^[a-c](?:\/[d-f]){1,2}$/).map((path) => `srv/${path}-file`),
    fc.stringMatching(/^[a-z]{0,5}$/),
    { minKeys: 1, maxKeys: 6 },
  );
  await fc.assert(
    fc.asyncProperty(files, fc.infiniteStream(fc.nat(2)), async (wanted, places) => {
      const spread: Record<string, string>[] = [{}, {}, {}];
      for (const [path, text] of Object.entries(wanted)) {
        const place = places.next().value as number;
        if (place > 0) (spread[0] as Record<string, string>)[path] = 'covered';
        (spread[place] as Record<string, string>)[path] = text;
      }
      const below = { 'srv/gone-file': 'hidden', 'srv/': { content: '', mode: 0o755 } };
      const { digest } = await content([below, { 'srv/.wh.gone-file': '' }, ...spread]);
      assert.equal(digest, (await content([wanted])).digest);
    }),
    { numRuns: 40 },
  );
});

test('a byte, a mode, an attribute, a link, an empty folder or a missing file is a difference, by its path', async () => {
  const file = { content: 'x', mode: 0o644 };
  const plain = { 'srv/file': file, 'srv/link': { symlink: 'file' } };
  const others: readonly (readonly [LayerFiles, string])[] = [
    [{ ...plain, 'srv/file': { content: 'y', mode: 0o644 } }, 'srv/file'],
    [{ ...plain, 'srv/file': { content: 'x', mode: 0o4755 } }, 'srv/file'],
    [{ ...plain, 'srv/file': { ...file, xattrs: { 'security.capability': 'x' } } }, 'srv/file'],
    [{ ...plain, 'srv/link': { symlink: 'other' } }, 'srv/link'],
    [{ ...plain, 'srv/empty/': { content: '', mode: 0o755 } }, 'srv/empty'],
    [{ ...plain, 'srv/': { content: '', mode: 0o700 } }, 'srv'],
    [{ 'srv/file': file }, 'srv/link'],
  ];
  for (const [other, path] of others) {
    const { identical, added, removed, changed } = await differs([plain], [other]);
    assert.deepEqual([identical, [...added, ...removed, ...changed.map((one) => one.path)]], [false, [path]]);
  }
});

test('caches, logs, locks, times in byte code, the order of dpkg’s database and days of passwords are none', async () => {
  const status = (names: readonly string[]): string =>
    names.map((name) => `Package: ${name}\nStatus: install ok installed\nVersion: 1\n`).join('\n');
  const root = { 'etc/shadow': 'root:*:20000:0:99999:7:::\n', 'usr/lib/python3/a.py': 'pass' };
  const one = {
    ...root,
    'var/lib/dpkg/status': status(['a', 'b']),
    'var/log/apt/history.log': 'today',
    'var/cache/apt/pkgcache.bin': '1',
    'usr/lib/python3/__pycache__/a.cpython-311.pyc': 'time 1',
  };
  const two = {
    ...root,
    'etc/shadow': 'root:*:20325:0:99999:7:::\n',
    'var/lib/dpkg/status': status(['b', 'a']),
    'var/lib/dpkg/lock': '',
    'usr/lib/python3/__pycache__/a.cpython-311.pyc': 'time 2',
  };
  assert.equal((await differs([one], [two])).identical, true);
  // The same files where they are content: another password, another version, byte code that has no source.
  const other = { ...two, 'etc/shadow': 'root:$y$hash:20325:0:99999:7:::\n' };
  assert.deepEqual(
    (await differs([two], [other])).changed.map(({ path }) => path),
    ['etc/shadow'],
  );
  const version = { ...two, 'var/lib/dpkg/status': status(['a', 'b']).replace('Version: 1', 'Version: 2') };
  assert.deepEqual(
    (await differs([two], [version])).changed.map(({ path }) => path),
    ['var/lib/dpkg/status'],
  );
  const alone = (time: string) => [{ 'srv/__pycache__/b.cpython-311.pyc': time }];
  assert.equal((await differs(alone('1'), alone('2'))).identical, false);
});

test('of the config only what a container is started with counts', async () => {
  const files = [{ 'srv/file': 'x' }];
  const config = (more: object) => content(files, { config: { Env: ['A=1'], ...more } });
  const built = await content(files, {
    created: '2026-05-05T00:00:00Z',
    author: 'somebody',
    history: [{ created: '2026-05-05T00:00:00Z', created_by: 'COPY' }],
    config: { Env: ['A=1'], Entrypoint: [], Labels: { 'org.opencontainers.image.created': '2026-05-05' } },
  });
  assert.equal(built.digest, (await config({})).digest);
  const { identical, config: changes } = compareContent(built, await config({ User: '1000', Env: ['A=2'] }));
  assert.equal(identical, false);
  assert.deepEqual(changes, [
    { name: 'Env', from: '["A=1"]', to: '["A=2"]' },
    { name: 'User', to: '"1000"' },
  ]);
});
