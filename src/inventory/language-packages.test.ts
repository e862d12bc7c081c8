import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { Digest } from '../oci/index.ts';
import { inspectImage } from './inspect-image.ts';
import { memoryLayerCache } from './layer-cache.ts';
import { OS_RELEASE, stanza, status } from './testing/debian-root.ts';
import { type LayerFiles, memoryImage } from './testing/memory-image.ts';
import type { ImageContents } from './types.ts';

const folder = await mkdtemp(join(tmpdir(), 'heraklit-language-'));
after(() => rm(folder, { recursive: true, force: true }));

const manifest = (name: string, version: string): string => JSON.stringify({ name, version });
const metadata = (name: string, version: string): string =>
  `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;

const brief = (contents: ImageContents): readonly string[] =>
  contents.languagePackages.map((item) => {
    const places = item.locations.map(({ path, layer }) => {
      const at = contents.layers.findIndex(({ diffId }) => diffId === layer);
      return at < 0 ? path : `${path}#${at}`;
    });
    return [item.ecosystem, item.name, item.version, item.owner ?? '-', ...places].join(' ');
  });

const debian: LayerFiles = {
  'etc/os-release': OS_RELEASE,
  lib: { symlink: 'usr/lib' },
  'usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA': metadata('requests', '2.31.0'),
  'usr/share/nodejs/abbrev/package.json': manifest('abbrev', '1.1.1'),
  'var/lib/dpkg/info/node-abbrev.list':
    '/.\n/usr\n/usr/share\n/usr/share/nodejs\n/usr/share/nodejs/abbrev\n/usr/share/nodejs/abbrev/package.json\n',
  'var/lib/dpkg/info/python3-requests:amd64.list':
    '/.\n/lib\n/lib/python3\n/lib/python3/dist-packages\n/lib/python3/dist-packages/requests-2.31.0.dist-info\n/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA\n',
  'var/lib/dpkg/status': status(stanza('node-abbrev', '1.1.1-2'), stanza('python3-requests', '2.31.0-1')),
};

test('packages belong to the layer that brought them and to the package of the distribution that owns the file', async () => {
  const image = memoryImage([
    debian,
    {
      'app/node_modules/a/package.json': manifest('a', '1.0.0'),
      'app/node_modules/gone/package.json': manifest('gone', '1.0.0'),
      'app/node_modules/replaced/package.json': manifest('replaced', '1.0.0'),
      'app/node_modules/becomes-link/package.json': manifest('becomes-link', '1.0.0'),
      'opt/abbrev/package.json': manifest('abbrev', '1.1.1'),
      'store/0123': 'x',
      'app/node_modules/linked/package.json': { hardlink: 'app/node_modules/a/package.json' },
      'broken/package.json': '{',
      'deleted/package.json': '{',
    },
    {
      'app/node_modules/.wh.gone': '',
      'app/node_modules/replaced/package.json': manifest('replaced', '2.0.0'),
      'app/node_modules/becomes-link/package.json': { symlink: '../a/package.json' },
      '.wh.deleted': '',
    },
  ]);
  const opened = new Map<Digest, number>();
  const layerCache = memoryLayerCache();
  const contents = await inspectImage(image, { layerCache });
  const expected = [
    'npm a 1.0.0 - app/node_modules/a/package.json#1 app/node_modules/linked/package.json#1',
    'npm abbrev 1.1.1 - opt/abbrev/package.json#1',
    'npm abbrev 1.1.1 node-abbrev usr/share/nodejs/abbrev/package.json#0',
    'npm replaced 2.0.0 - app/node_modules/replaced/package.json#2',
    'pypi requests 2.31.0 python3-requests usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA#0',
  ];
  assert.deepEqual(brief(contents), expected);
  assert.deepEqual(contents.incomplete, [{ path: 'broken/package.json', reason: 'is no JSON' }]);
  const again = await inspectImage({ ...image, blobs: { open: () => assert.fail('read again') } }, { layerCache });
  assert.deepEqual(brief(again), expected);
  assert.equal(opened.size, 0);
});

test('distroless: checksum lists say who owns a file', async () => {
  const contents = await inspectImage(
    memoryImage([
      {
        'etc/os-release': OS_RELEASE,
        'var/lib/dpkg/status.d/python3': stanza('python3', '3.11'),
        'var/lib/dpkg/status.d/python3.md5sums': `${'0'.repeat(32)}  usr/lib/a.egg-info\n`,
        'usr/lib/a.egg-info': metadata('a', '1'),
      },
    ]),
  );
  assert.deepEqual(brief(contents), ['pypi a 1 python3 usr/lib/a.egg-info#0']);
});

test('apk and pacman say who owns a file', async () => {
  const apk = `P:py3-a\nV:1-r0\nA:x86_64\nF:usr/lib\nR:a.egg-info\na:0:0:755\nR:b.txt\n\nP:other\nV:1\nF:srv\nR:none\n\n`;
  const alpine = await inspectImage(
    memoryImage([
      { 'lib/apk/db/installed': apk, 'usr/lib/a.egg-info': metadata('a', '1'), 'b.egg-info': metadata('b', '1') },
    ]),
  );
  assert.deepEqual(brief(alpine), ['pypi a 1 py3-a usr/lib/a.egg-info#0', 'pypi b 1 - b.egg-info#0']);
  const local = 'var/lib/pacman/local/python-a-1.0-1';
  const arch = await inspectImage(
    memoryImage([
      {
        [`${local}/`]: '',
        [`${local}/desc`]: '%NAME%\npython-a\n\n%VERSION%\n1.0-1\n\n%ARCH%\nany\n',
        [`${local}/files`]: '%FILES%\nusr/\nusr/lib/\nusr/lib/a.egg-info\n\n%BACKUP%\nb.egg-info\t0\n',
        'usr/lib/a.egg-info': metadata('a', '1'),
        'b.egg-info': metadata('b', '1'),
      },
    ]),
  );
  assert.deepEqual(brief(arch), ['pypi a 1 python-a usr/lib/a.egg-info#0', 'pypi b 1 - b.egg-info#0']);
});

test('a root folder on disk gives the same as an image of it', async () => {
  const root = join(folder, 'root');
  for (const [path, content] of Object.entries(debian)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    if (typeof content === 'string') await writeFile(join(root, path), content);
    else if ('symlink' in content) await symlink(content.symlink, join(root, path));
  }
  await symlink('..', join(root, 'usr/share/loop'));
  await symlink('/etc', join(root, 'outside'));
  const contents = await inspectImage({ kind: 'dir', root });
  assert.deepEqual(
    brief(contents),
    brief(await inspectImage(memoryImage([debian]))).map((line) => line.replaceAll('#0', '')),
  );
  assert.deepEqual(contents.incomplete, []);
  const system = await inspectImage({ kind: 'dir', root }, { systemOnly: true });
  assert.deepEqual([system.languagePackages.length, system.packages.length], [0, 2]);
});
