import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, digestOf, flattenLayers, type LayerEntry, type LayerIndex } from '../../oci/index.ts';
import { type BaseTree, findPathConflicts } from './conflicts.ts';
import { checkLibraries } from './libraries.ts';
import { describeConflict } from './report.ts';

type Files = Readonly<Record<string, string | { readonly link: string } | null>>;

const entry = (path: string, content: Files[string]): LayerEntry => {
  const common = { path, mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  if (content === null) return { ...common, type: 'directory', mode: 0o755, size: 0 };
  if (typeof content !== 'string') return { ...common, type: 'symlink', size: 0, linkName: content.link };
  return { ...common, type: 'file', size: content.length, sha256: digestOf(content) };
};

const layer = (files: Files, whiteouts: readonly string[] = [], opaques: readonly string[] = []): LayerIndex => ({
  diffId: digestOf(JSON.stringify([files, whiteouts, opaques])),
  entries: Object.entries(files).map(([path, content]) => entry(path, content)),
  whiteouts,
  opaques,
  bytes: 0,
});

const base = (...layers: readonly LayerIndex[]): BaseTree => ({
  tree: flattenLayers(layers),
  diffIds: layers.map(({ diffId }): Digest => diffId),
});

const OLD = base(layer({ usr: null, 'usr/lib': null, 'usr/lib/a': 'a1', 'usr/lib/b': 'b1', 'etc/passwd': 'root\n' }));
const NEW = base(
  layer({
    usr: null,
    'usr/lib': null,
    'usr/lib/a': 'a2',
    'usr/lib/b': 'b1',
    'usr/lib/c': 'c1',
    'etc/passwd': 'root\n_apt\n',
  }),
);

const explain = (own: LayerIndex): readonly string[] =>
  findPathConflicts([own], OLD, NEW).conflicts.map(describeConflict);

test('files that the base does not know never conflict', () => {
  const touched = findPathConflicts([layer({ srv: null, 'srv/app': 'x' })], OLD, NEW);
  assert.deepEqual(touched, { conflicts: [], overlapping: [], toMerge: [], touchesDatabase: false });
});

test('a child that hides what the base updates is refused', () => {
  assert.deepEqual(explain(layer({ 'usr/lib/a': 'mine' })), [
    '/usr/lib/a: the child writes it and the new base changes it',
  ]);
});

test('a child that changed what the base left alone is fine, and said', () => {
  const touched = findPathConflicts([layer({ 'usr/lib/b': 'mine' })], OLD, NEW);
  assert.deepEqual([touched.conflicts, touched.overlapping], [[], ['usr/lib/b']]);
});

test('a path that the new base adds under the child’s feet is refused', () => {
  assert.deepEqual(explain(layer({ 'usr/lib/c': 'mine' })), [
    '/usr/lib/c: the child writes it and the new base adds it',
  ]);
});

test('deleting a folder conflicts with every change below it', () => {
  assert.deepEqual(explain(layer({}, ['usr/lib'])), [
    '/usr/lib/a: the child deletes it and the new base changes it',
    '/usr/lib/c: the child deletes it and the new base adds it',
  ]);
  assert.deepEqual(explain(layer({ usr: null, 'usr/lib': null }, [], ['usr/lib'])).length, 2);
});

test('a list of accounts that both sides write is merged, not refused', () => {
  const touched = findPathConflicts([layer({ 'etc/passwd': 'root\napp\n' })], OLD, NEW);
  assert.deepEqual([touched.conflicts, touched.toMerge], [[], ['etc/passwd']]);
});

test('without a hash on both sides content counts as changed', () => {
  const strip = (index: LayerIndex): LayerIndex => ({
    ...index,
    entries: index.entries.map(({ sha256: _, ...rest }) => rest),
  });
  const before = base(strip(layer({ f: 'same' })));
  const after = base(strip(layer({ f: 'same', g: 'x' })));
  assert.equal(findPathConflicts([layer({ f: 'mine' })], before, after).conflicts.length, 1);
});

test('a library that lost a symbol, changed its SONAME or is gone is refused; one that gained is not', async () => {
  const library = (content: string): BaseTree =>
    base(
      layer({
        'usr/lib/x86_64-linux-gnu/libz.so.1': { link: 'libz.so.1.3' },
        'usr/lib/x86_64-linux-gnu/libz.so.1.3': content,
      }),
    );
  const exportsOf: Readonly<Record<string, readonly string[]>> = {
    old: ['inflate', 'deflate'],
    gained: ['inflate', 'deflate', 'x'],
    lost: ['inflate'],
  };
  const check = (now: string, soname = 'libz.so.1') =>
    checkLibraries([{ path: 'srv/app', needed: ['libz.so.1', 'libown.so.2'] }], library('old'), library(now), {
      exports: async (which) => ({
        soname: which === 'old' ? 'libz.so.1' : soname,
        symbols: new Set(exportsOf[which === 'old' ? 'old' : now]),
      }),
    });
  assert.deepEqual(await check('gained'), { conflicts: [], checked: ['libz.so.1'] });
  assert.match(
    describeConflict((await check('lost')).conflicts[0] as never),
    /srv\/app is linked against libz.so.1: 1 exported symbols are gone, deflate/,
  );
  assert.match(
    describeConflict((await check('gained', 'libz.so.2')).conflicts[0] as never),
    /its SONAME is now libz.so.2/,
  );
  const gone = await checkLibraries(
    [{ path: 'srv/app', needed: ['libz.so.1'] }],
    library('old'),
    base(layer({ usr: null })),
    {
      exports: async () => ({ soname: undefined, symbols: new Set() }),
    },
  );
  assert.match(describeConflict(gone.conflicts[0] as never), /no such library/);
  const unread = await checkLibraries(
    [{ path: 'srv/huge', needed: [], unread: true }],
    library('old'),
    library('gained'),
    {
      exports: async () => ({ soname: undefined, symbols: new Set() }),
    },
  );
  assert.match(describeConflict(unread.conflicts[0] as never), /srv\/huge is linked against .*too large to be read/);
});
