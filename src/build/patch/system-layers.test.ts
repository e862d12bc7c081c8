import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerEntry, LayerIndex } from '../../oci/index.ts';
import { namesIn } from './mentions.ts';
import { systemLayers } from './system-layers.ts';

type Parts = { readonly hides?: readonly string[]; readonly empties?: readonly string[] };
let count = 0;
const layer = (entries: readonly (Partial<LayerEntry> & { path: string })[], parts: Parts = {}): LayerIndex => ({
  diffId: `sha256:${String(count++).padStart(64, '0')}`,
  entries: entries.map((entry) => ({ type: 'file', mode: 0o755, uid: 0, gid: 0, size: 1, mtime: 0, ...entry })),
  whiteouts: parts.hides ?? [],
  opaques: parts.empties ?? [],
  bytes: 0,
});
const folder = (path: string, mode = 0o755) => ({ path, type: 'directory', mode }) as const;
const link = (path: string, linkName: string) => ({ path, type: 'symlink', linkName }) as const;
const system = layer([folder('usr'), { path: 'usr/bin/dpkg' }, folder('opt'), folder('srv'), link('data', 'var')]);

/** Which of the layers above the system's count as the system's too, and the folders of the others. */
const judged = (...above: readonly LayerIndex[]) => {
  const { diffIds, apart } = systemLayers([system, ...above]);
  assert.equal(diffIds[0], system.diffId);
  return [above.map((index) => diffIds.includes(index.diffId)), [...apart].sort()];
};

test('layers with an application’s own folders are not the system’s', () => {
  const app = layer([folder('app'), { path: 'app/main.py' }, link('app/lib', '/usr/lib')]);
  const more = layer([{ path: 'app/second' }, folder('opt'), { path: 'opt/tool/run' }], {
    hides: ['app/main.py'],
    empties: ['srv'],
  });
  assert.deepEqual(judged(app, more), [
    [false, false],
    ['app', 'opt', 'srv'],
  ]);
  assert.deepEqual(judged(layer([{ path: 'app/a' }, { path: 'app/b', type: 'hardlink', linkName: 'app/a' }])), [
    [false],
    ['app'],
  ]);
});

test('whatever else a layer does makes it the system’s', () => {
  const others: Readonly<Record<string, LayerIndex>> = {
    'a file of the system': layer([{ path: 'app/x' }, { path: 'usr/local/bin/x' }]),
    'a home': layer([{ path: 'home/user/x' }]),
    'the root folder itself': layer([folder('')]),
    'a hidden file of the system': layer([{ path: 'app/x' }], { hides: ['etc/motd'] }),
    'an emptied root': layer([], { empties: [''] }),
    'a hidden folder of the system’s layers': layer([], { hides: ['opt'] }),
    'another mode': layer([folder('opt', 0o700)]),
    'a link in place of a folder': layer([link('opt', 'usr')]),
    'a hardlink to the system': layer([{ path: 'app/x', type: 'hardlink', linkName: 'etc/passwd' }]),
    'through a link of the system’s layers': layer([{ path: 'data/lib/dpkg/status' }]),
    'through a link of its own': layer([link('app/lib', '/usr/lib'), { path: 'app/lib/x' }]),
    'to a file behind its own link': layer([
      link('app/etc', '/etc'),
      { path: 'app/x', type: 'hardlink', linkName: 'app/etc/passwd' },
    ]),
  };
  for (const [what, index] of Object.entries(others)) assert.deepEqual(judged(index), [[true], []], what);
  const linking = layer([link('app', 'usr/lib')]);
  assert.deepEqual(judged(linking, layer([{ path: 'app/x' }])), [[false, true], ['app']]);
});

test('names below / are found as scripts and configuration files write them', () => {
  const text = [
    `cp /app/x "$DPKG_ROOT/opt/y" \${ROOT}/srv`,
    'path=/data:/more//deep, "/quoted", [//double/x]',
    'usr/share/relative ../up a/b',
    '  # a comment: /comment',
    '/begin',
  ].join('\n');
  const names = [...namesIn(Buffer.from(text))].sort();
  assert.deepEqual(names, ['app', 'begin', 'data', 'double', 'more', 'opt', 'quoted', 'srv']);
});
