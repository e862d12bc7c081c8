import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { indexLayer, type RuntimeConfig } from '../../oci/index.ts';
import { openBlobStore } from '../../storage/index.ts';
import { createLayerFactsReader } from '../layers/layer-facts.ts';
import { copiedLayers } from './origin.ts';
import { prepareBase } from './prepare-base.ts';
import { type RebaseResult, rebase } from './rebase.ts';
import { describeConflict, type RebaseReport } from './report.ts';
import { imageOf, type Node, type TestImage, type TestLayer } from './testing/images.ts';

const folder = await mkdtemp(join(tmpdir(), 'heraklit-rebase-'));
after(() => rm(folder, { recursive: true, force: true }));
const store = await openBlobStore(join(folder, 'store'));
const layers = createLayerFactsReader(join(folder, 'facts'));

type Files = Readonly<Record<string, Node>>;
type Config = RuntimeConfig & { readonly OnBuild?: readonly string[] };
interface Side {
  readonly files: Files;
  readonly config?: Config;
  readonly platform?: string;
}

async function attempt(
  old: Side,
  now: Side,
  child: TestLayer | readonly TestLayer[],
  config: Config = {},
): Promise<RebaseResult> {
  const oldImage = await imageOf([{ files: old.files }], old.config);
  const newImage = await imageOf([{ files: now.files }], now.config, undefined, now.platform);
  const own = await imageOf(
    Array.isArray(child) ? child : [child as TestLayer],
    { ...old.config, ...config },
    oldImage,
  );
  const [oldBase, newBase] = [await prepareBase(oldImage, layers), await prepareBase(newImage, layers)];
  return rebase({ child: own, oldBase, newBase }, { store, layers });
}

/** Conflicts in words; empty where the child was rebased. */
async function refusals(...sides: Parameters<typeof attempt>): Promise<readonly string[]> {
  try {
    await attempt(...sides);
    return [];
  } catch (error) {
    assert.ok(isHeraklitError(error, 'REBASE_REFUSED'), String(error));
    return (error.details.report as RebaseReport).conflicts.map(describeConflict);
  }
}

/** What the merged layer holds: files by path, and what it hides. */
async function mergedLayer(result: RebaseResult): Promise<Readonly<Record<string, string>>> {
  const layer = result.manifest.layers.at(-1);
  assert.ok(layer !== undefined && result.statistics.layersBuilt === 1);
  const { index, captured } = await indexLayer(await store.open(layer.digest), layer.mediaType, {
    capture: () => true,
  });
  const files = index.entries
    .filter(({ type }) => type !== 'directory')
    .map(({ path, linkName }) => [path, linkName ?? Buffer.from(captured.get(path) ?? []).toString()]);
  return Object.fromEntries([...files, ...index.whiteouts.map((path) => [path, 'hidden'])]);
}

const OLD: Side = { files: { 'etc/app.conf': 'a=1\nb=2\nc=3\n', 'usr/lib/a': 'a1 is long enough', 'usr/lib/b': 'b1' } };
const NEW: Side = {
  files: {
    'etc/app.conf': 'a=1\nb=2\nc=3\nd=4\n',
    'usr/lib/a': 'a2 is long enough',
    'usr/lib/b': 'b1',
    'usr/lib/c': 'c1',
  },
};

test('files that the base does not know never conflict; what it left alone stays the child’s, and is said', async () => {
  const result = await attempt(OLD, NEW, { files: { 'srv/app': 'x', 'usr/lib/b': 'mine' } });
  assert.deepEqual(result.report.overlapping, ['usr/lib/b']);
  assert.equal(result.statistics.layersBuilt, 0);
});

test('a child that hides what the base updates or adds is refused', async () => {
  assert.deepEqual(await refusals(OLD, NEW, { files: { 'usr/lib/a': 'mine', 'usr/lib/c': 'mine' } }), [
    '/usr/lib/a: the child writes it and the new base changes it',
    '/usr/lib/c: the child writes it and the new base adds it',
  ]);
});

test('what both sides changed alike is no conflict', async () => {
  assert.deepEqual(await refusals(OLD, NEW, { files: { 'usr/lib/a': 'a2 is long enough', 'usr/lib/c': 'c1' } }), []);
});

test('a file that the child only repeats follows the new base, with the owner that the child gave it', async () => {
  const repeated = await attempt(OLD, NEW, { files: { 'usr/lib/a': 'a1 is long enough' } });
  assert.deepEqual(await mergedLayer(repeated), { 'usr/lib/a': 'a2 is long enough' });
  const owned = await attempt(
    OLD,
    { files: { ...OLD.files, 'usr/lib/a': 'a2 is long enough' } },
    { files: { 'usr/lib/a': { text: 'a1 is long enough', uid: 7, mode: 0o600 } } },
  );
  assert.deepEqual(owned.report.restored, ['usr/lib/a']);
  const layer = owned.manifest.layers.at(-1);
  const { index } = await indexLayer(await store.open(layer?.digest as never), layer?.mediaType as string);
  const entry = index.entries.find(({ path }) => path === 'usr/lib/a');
  assert.deepEqual([entry?.uid, entry?.mode], [7, 0o600]);
});

test('what the base removes is hidden where the child repeated it', async () => {
  const { 'usr/lib/a': _, ...less } = OLD.files;
  const result = await attempt(OLD, { files: less }, { files: { 'usr/lib/a': 'a1 is long enough' } });
  assert.deepEqual(await mergedLayer(result), { 'usr/lib/a': 'hidden' });
});

test('removing by name is done again; what looks like a pattern is refused where the new base adds files', async () => {
  assert.deepEqual(await refusals(OLD, NEW, { whiteouts: ['etc/app.conf'] }), []);
  assert.deepEqual(await refusals(OLD, NEW, { whiteouts: ['usr/lib'] }), [], 'with the whole folder, its new files go');
  assert.deepEqual(await refusals(OLD, NEW, { whiteouts: ['usr/lib/a', 'usr/lib/b'] }), [
    '/usr/lib/c: the child removes files beside it, and the new base adds it',
  ]);
  assert.match(
    (await refusals(OLD, NEW, { files: { 'usr/lib/b': { text: 'b1', uid: 33 } } })).join(),
    /usr\/lib\/c: the child changes owner or mode of files beside it/,
  );
});

test('set-user-id bits taken away are taken away from new programs only by building anew', async () => {
  const suid = { text: 'su', mode: 0o4755 };
  const old: Side = { files: { 'usr/bin/su': suid, 'usr/sbin/x': 'x' } };
  const now: Side = { files: { ...old.files, 'usr/sbin/new': suid } };
  assert.match(
    (await refusals(old, now, { files: { 'usr/bin/su': { ...suid, mode: 0o755 } } })).join(),
    /usr\/sbin\/new: the child takes set-user-id/,
  );
});

test('settings: lines added or replaced are done again; all else is refused', async () => {
  const edit = async (text: string): Promise<string> => {
    const found = await refusals(OLD, NEW, { files: { 'etc/app.conf': text } });
    return found.length > 0
      ? found.join()
      : ((await mergedLayer(await attempt(OLD, NEW, { files: { 'etc/app.conf': text } })))['etc/app.conf'] ?? '');
  };
  assert.equal(await edit('a=1\nb=2\nc=3\nmine\n'), 'a=1\nb=2\nc=3\nd=4\nmine\n');
  assert.equal(await edit('a=1\nb=9\nc=3\n'), 'a=1\nb=9\nc=3\nd=4\n');
  assert.match(await edit('a=1\nc=3\n'), /lines were taken out/);
  assert.match(await edit('x\ny\nz\n'), /written anew/);
});

test('a settings file copied in is copied again; one that may be the base’s own, edited in another stage, is refused', async () => {
  const copy = (text: string): TestLayer => ({
    files: { 'etc/app.conf': text },
    history: 'COPY app.conf /etc/ # buildkit',
  });
  const result = await attempt(OLD, NEW, copy('x=1\ny=2\n'));
  assert.deepEqual([result.statistics.layersBuilt, result.report.overlapping], [0, ['etc/app.conf']]);
  assert.match((await refusals(OLD, NEW, copy('a=1\nb=2\nc=3\nmine\n'))).join(), /copied whole/);
  const squashed = copiedLayers([{ created_by: 'RUN x', empty_layer: true }, { created_by: 'COPY a /b' }], 1);
  assert.equal(squashed.size, 0);
});

test('a copy of a file that the base changes is refused, wherever it lies', async () => {
  assert.deepEqual(await refusals(OLD, NEW, { files: { 'srv/kept': 'a1 is long enough' } }), [
    "/srv/kept: it is a copy of the old base's file (/usr/lib/a)",
  ]);
});

test('a note of the base that the child took while it was built is refused', async () => {
  const status = (version: string): Side => ({
    files: {
      'var/lib/dpkg/status': `Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`,
      'usr/bin/tool': `program ${version} of some length`,
    },
  });
  const note = async (text: string) =>
    (await refusals(status('1.2-3'), status('1.2-4'), { files: { 'srv/note': text } })).join();
  assert.match(await note('tool\t1.2-3\n'), /it names tool 1.2-3, which the new base replaces/);
  const sum = createHash('sha256').update('program 1.2-3 of some length').digest('hex');
  assert.match(
    await note(`${sum}  /usr/bin/tool\n`),
    /SHA-256 of a file that the new base changes \(\/usr\/bin\/tool\)/,
  );
  assert.equal(await note('tool 1.2\n'), '');
});

const account = (name: string, id: number): string => `${name}:x:${id}:${id}::/:/bin/sh\n`;

test('accounts: numbers that clash, or could have come out otherwise, are refused', async () => {
  const passwd = account('root', 0);
  const of = (text: string): Side => ({ files: { 'etc/passwd': text } });
  const child = (id: number): TestLayer => ({ files: { 'etc/passwd': passwd + account('app', id) } });
  assert.deepEqual(await refusals(of(passwd), of(passwd + account('_apt', 42)), child(999)), []);
  assert.deepEqual(await refusals(of(passwd), of(passwd + account('other', 1000)), child(999)), []);
  assert.match(
    (await refusals(of(passwd), of(passwd + account('other', 999)), child(999))).join(),
    /its number 999 is other's/,
  );
  assert.match(
    (await refusals(of(passwd), of(passwd + account('other', 998)), child(999))).join(),
    /could be another one/,
  );
  const owned: TestLayer = { files: { 'srv/x': { text: 'x', uid: 101 } } };
  assert.match(
    (await refusals(of(passwd + account('web', 101)), of(passwd + account('web', 102)), owned)).join(),
    /account web: \/srv\/x belongs to it/,
  );
  const runs = await refusals(
    of(passwd + account('web', 101)),
    of(passwd),
    { files: { 'srv/x': 'x' } },
    { User: 'web' },
  );
  assert.match(runs.join(), /the image runs as it/);
});

test('configuration: PATH grows with the base’s; what else holds a changed value, or ONBUILD, is refused', async () => {
  const old: Side = { ...OLD, config: { Env: ['PATH=/usr/bin', 'APP_VERSION=1.2.3'] } };
  const now: Side = { ...OLD, config: { Env: ['PATH=/usr/local/bin:/usr/bin', 'APP_VERSION=1.2.4'] } };
  const own = { files: { 'srv/app': 'x' } };
  const { config } = await attempt(old, now, own, { Env: ['PATH=/opt/bin:/usr/bin', 'APP_VERSION=1.2.3'] });
  assert.deepEqual(config.config?.Env, ['PATH=/opt/bin:/usr/local/bin:/usr/bin', 'APP_VERSION=1.2.4']);
  const used = await refusals(old, now, own, { Env: ['PATH=/usr/bin', 'APP_VERSION=1.2.3', 'HOME=/opt/app-1.2.3'] });
  assert.match(used.join(), /HOME of the image configuration: it holds the value of APP_VERSION/);
  const asked = await refusals(OLD, { ...OLD, config: { OnBuild: ['RUN make'] } }, own);
  assert.match(asked.join(), /OnBuild of the image configuration/);
});

test('another platform, another release with packages, rpm’s database and a lost interpreter are refused', async () => {
  const own = { files: { 'srv/app': 'x' } };
  assert.match((await refusals(OLD, { ...OLD, platform: 'arm64' }, own)).join(), /linux\/amd64, new base linux\/arm64/);
  const release = (version: string, more: Files = {}): Side => ({
    files: { 'usr/lib/os-release': `ID=debian\nVERSION_ID="${version}"\n`, 'var/lib/dpkg/status': '', ...more },
  });
  const status = 'Package: app\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n';
  const packaged = { files: { 'var/lib/dpkg/status': status } };
  assert.match((await refusals(release('12'), release('13'), packaged)).join(), /packages of the old release/);
  assert.deepEqual(await refusals(release('12'), release('13'), own), []);
  const rpm = (text: string): Side => ({ files: { 'usr/lib/sysimage/rpm/rpmdb.sqlite': text } });
  const found = await refusals(rpm('old'), rpm('new'), { files: { 'usr/lib/sysimage/rpm/rpmdb.sqlite': 'mine' } });
  assert.match(found.join(), /rpm's database, one binary file/);
  const script = { files: { 'srv/run': { text: '#!/usr/bin/env tool\n', mode: 0o755 } } };
  const tool: Side = { files: { ...OLD.files, 'usr/bin/env': 'env', 'usr/bin/tool': 'tool' } };
  assert.match((await refusals(tool, { files: { ...OLD.files, 'usr/bin/env': 'env' } }, script)).join(), /no tool/);
});

test('an interpreter of another minor version is refused where the child has files for it', async () => {
  const python = (minor: number): Side => ({
    files: { [`usr/bin/python3.${minor}`]: 'elf', 'usr/bin/python3': { link: `python3.${minor}` } },
  });
  const found = async (path: string, node: Node = 'x') =>
    (await refusals(python(11), python(13), { files: { [path]: node } })).join();
  assert.match(await found('srv/app.py'), /srv\/app.py is for python 3.11, and the new base has 3.13/);
  assert.match(await found('usr/local/lib/python3.11/dist-packages/x/data'), /python 3.11/);
  assert.match(await found('srv/run', { text: '#!/usr/bin/env python3\n', mode: 0o755 }), /srv\/run is for python/);
  assert.equal(await found('srv/index.html'), '');
  const node = (version: string): Side => ({ ...OLD, config: { Env: [`NODE_VERSION=${version}`] } });
  const own = { files: { 'srv/app.js': 'x' } };
  assert.deepEqual(await refusals(node('22.1.0'), node('22.9.3'), own, { Env: ['NODE_VERSION=22.1.0'] }), []);
  assert.match(
    (await refusals(node('22.1.0'), node('24.1.0'), own, { Env: ['NODE_VERSION=22.1.0'] })).join(),
    /node 22/,
  );
});

test('stale byte code of a base’s module goes; a trigger that would have seen the base’s files is refused', async () => {
  const module = (text: string): Side => ({ files: { 'usr/lib/python3/m.py': text } });
  const compiled = { files: { 'usr/lib/python3/__pycache__/m.cpython-311.pyc': 'code of the old one' } };
  const result = await attempt(module('x = 1'), module('x = 2'), compiled);
  assert.deepEqual(await mergedLayer(result), { 'usr/lib/python3/__pycache__/m.cpython-311.pyc': 'hidden' });
  const triggers = { files: { 'var/lib/dpkg/triggers/File': '/usr/lib indexer\n' } };
  assert.match((await refusals(OLD, NEW, triggers)).join(), /package indexer, which the child installed, works on it/);
});

test('an image that does not stand on the old base is no child of it', async () => {
  const [base, stranger]: readonly TestImage[] = [
    await imageOf([{ files: { a: '1' } }]),
    await imageOf([{ files: { a: '2' } }]),
  ];
  const prepared = await prepareBase(base as TestImage, layers);
  await assert.rejects(
    rebase({ child: stranger as TestImage, oldBase: prepared, newBase: prepared }, { store, layers }),
    (error) => isHeraklitError(error, 'REBASE_NOT_A_CHILD'),
  );
});
