import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { createTarWriter, readTarBuffer } from '../../archive/index.ts';
import { packageFile } from '../../base/index.ts';
import { readShlibs, readSymbols } from './debian-symbols.ts';
import { readLoaderCache, writeLoaderCache } from './loader-cache.ts';
import { mergeApkDatabase, mergeApkScripts } from './merge-apk.ts';
import { isMergeable, mergeFile } from './merge-file.ts';
import type { RebaseConflict, RebaseReport } from './report.ts';
import type { FileMerge } from './three-sides.ts';

const merge = (path: string, old: string, now: string, own: string): FileMerge =>
  mergeFile(path, { old: Buffer.from(old), new: Buffer.from(now), own: Buffer.from(own) });
const textOf = (merged: FileMerge): string =>
  merged.kind === 'merged' ? String(merged.content) : `conflict: ${merged.key}`;

test('groups: members that both sides added are all in it', () => {
  assert.equal(textOf(merge('etc/group', 'w:x:5:a\n', 'w:x:5:a,b\n', 'w:x:5:a,c\n')), 'w:x:5:a,b,c\n');
  assert.equal(textOf(merge('etc/group', 'w:x:5:a\n', 'w:x:6:a\n', 'w:x:5:a,c\n')), 'conflict: w');
});

test('diversions and apt’s and debconf’s records are merged one by one', () => {
  const record = (path: string): string => `${path}\n${path}.distrib\n:\n`;
  assert.equal(
    textOf(merge('var/lib/dpkg/diversions', record('/a'), record('/a') + record('/b'), record('/a') + record('/c'))),
    record('/a') + record('/b') + record('/c'),
  );
  const state = (name: string, auto: number): string =>
    `Package: ${name}\nArchitecture: amd64\nAuto-Installed: ${auto}\n\n`;
  const path = 'var/lib/apt/extended_states';
  assert.equal(
    textOf(merge(path, state('a', 1), state('a', 1) + state('b', 1), state('a', 0))),
    state('a', 0) + state('b', 1),
  );
  assert.equal(textOf(merge(path, state('a', 1), '', state('a', 0))), 'conflict: Package: a Architecture: amd64');
});

test('alternatives: the best of both sides; what was chosen by hand is refused', () => {
  const path = 'var/lib/dpkg/alternatives/editor';
  const group = (mode: string, ...choices: readonly (readonly [string, number])[]): string =>
    [
      mode,
      '/usr/bin/editor',
      'editor.1.gz',
      '/usr/share/man/man1/editor.1.gz',
      '',
      ...choices.flatMap(([at, n]) => [at, n, `/man${at}`]),
      '',
      '',
    ].join('\n');
  const [ed, nano, vi] = [
    ['/bin/ed', -100],
    ['/bin/nano', 40],
    ['/usr/bin/vi', 30],
  ] as const;
  const merged = merge(path, group('auto', ed), group('auto', ed, vi), group('auto', ed, nano));
  assert.equal(textOf(merged), group('auto', ed, nano, vi));
  assert.deepEqual(merged.kind === 'merged' && [...(merged.links ?? [])], [
    ['etc/alternatives/editor', '/bin/nano'],
    ['etc/alternatives/editor.1.gz', '/man/bin/nano'],
  ]);
  assert.match(textOf(merge(path, group('auto', ed), group('auto', ed, vi), group('manual', ed, nano))), /by hand/);
  assert.match(textOf(merge(path, '', 'auto', group('auto', ed))), /its form/);
});

test('ld.so.cache: what ldconfig itself writes of the libraries of both sides', async (context) => {
  const library = ['libz.so.1', 'libcap.so.2', 'libbz2.so.1.0', 'libselinux.so.1', 'libacl.so.1']
    .map((name) => `/usr/lib/x86_64-linux-gnu/${name}`)
    .filter((file) => existsSync(file));
  const ldconfig = ['/usr/sbin/ldconfig', '/sbin/ldconfig'].find((file) => existsSync(file));
  if (ldconfig === undefined || library.length < 4) return context.skip('ldconfig not installed');
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-ldconfig-'));
  try {
    const cacheOf = async (name: string, files: readonly string[]): Promise<Buffer> => {
      const root = join(folder, name);
      for (const below of ['usr/lib/x86_64-linux-gnu', 'etc']) await mkdir(join(root, below), { recursive: true });
      await writeFile(join(root, 'etc/ld.so.conf'), '/usr/lib/x86_64-linux-gnu\n');
      for (const file of files) await writeFile(join(root, file), await readFile(file));
      assert.equal(spawnSync(ldconfig, ['-r', root]).status, 0);
      return readFile(join(root, 'etc/ld.so.cache'));
    };
    const [a, b, c, d] = library as [string, string, string, string];
    const [old, now, own, both] = [
      await cacheOf('old', [a, b]),
      await cacheOf('new', [a, b, c]),
      await cacheOf('own', [a, d]),
      await cacheOf('both', [a, c, d]),
    ];
    const known = readLoaderCache(both);
    assert.ok(known !== undefined && writeLoaderCache(known).equals(both), 'read and written again it is the same');
    const merged = mergeFile('etc/ld.so.cache', { old, new: now, own });
    assert.ok(merged.kind === 'merged' && both.equals(merged.content as Buffer));
    assert.match(textOf(mergeFile('etc/ld.so.cache', { old, new: now, own: Buffer.from('x') })), /its form/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('whatever bytes a cache has, reading ends', () => {
  const start = Buffer.from('glibc-ld.so.cache1.1');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readLoaderCache(Buffer.concat([start, bytes]))),
  );
});

const record = (name: string, version: string, more = ''): string =>
  `P:${name}\nV:${version}\nA:x86_64\n${more}F:usr/bin\nR:${name}\n\n`;
const database = (...records: readonly string[]): Buffer => Buffer.from(records.join(''));

test('apk: the base’s upgrade and the child’s package both hold; both changed, or a lost dependency, is refused', () => {
  const path = 'lib/apk/db/installed';
  const [musl, newer] = [
    record('musl', '1.2.5-r0', 'p:so:libc.musl=1\n'),
    record('musl', '1.2.5-r1', 'p:so:libc.musl=1\n'),
  ];
  const app = record('app', '1-r0', 'D:so:libc.musl\n');
  const merged = mergeApkDatabase({ old: database(musl), new: database(newer), own: database(app, musl) }, path);
  assert.deepEqual([merged.conflicts, [...merged.own], [...merged.ownFiles]], [[], ['app'], ['usr/bin/app']]);
  assert.equal(merged.installed.toString(), app + newer);
  const both = mergeApkDatabase(
    { old: database(musl), new: database(newer), own: database(record('musl', '1.3-r0')) },
    path,
  );
  assert.equal(both.conflicts[0]?.kind, 'package');
  const lost = mergeApkDatabase({ old: database(musl), new: database(), own: database(app, musl) }, path);
  assert.deepEqual(lost.conflicts, [{ kind: 'dependency', package: 'app', relation: 'depends on so:libc.musl' }]);
  const removed = mergeApkDatabase({ old: database(app, musl), new: database(app, newer), own: database(musl) }, path);
  assert.deepEqual([[...removed.removedFiles], removed.installed.toString()], [['usr/bin/app'], newer]);
});

test('apk: scripts and world are merged entry by entry', () => {
  const tar = (files: Readonly<Record<string, string>>): Buffer => {
    const chunks: Uint8Array[] = [];
    const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
    for (const [path, text] of Object.entries(files)) {
      writer.add({ path, type: 'file', mode: 0o755, uid: 0, gid: 0, mtime: 0, size: text.length }, Buffer.from(text));
    }
    writer.finish();
    return Buffer.concat(chunks);
  };
  const merged = mergeApkScripts({ old: tar({ a: '1' }), new: tar({ b: '2' }), own: tar({ a: '1', c: '3' }) });
  assert.ok(merged.kind === 'merged' && typeof merged.content !== 'string');
  assert.deepEqual(
    [...readTarBuffer(merged.content)].map(({ path, content }) => `${path}${content}`),
    ['b2', 'c3'],
  );
  assert.equal(mergeApkScripts({ old: tar({ a: '1' }), new: tar({ a: '2' }), own: tar({ a: '3' }) }).kind, 'conflict');
  assert.equal(textOf(merge('etc/apk/world', 'a\n', 'a\nb\n', 'a\nc>2\n')), 'a\nb\nc>2\n');
});

test('Debian’s lists of what libraries promise are read', () => {
  const symbols =
    'libz.so.1 zlib1g #MINVER#\n* Build-Depends-Package: zlib1g-dev\n deflate@Base 1:1.1.4\n inflate@ZLIB_1.2 1:1.2.0\nlibother.so.2 other #MINVER#\n x@Base 1\n';
  assert.deepEqual(
    [...(readSymbols(symbols, 'libz.so.1') ?? [])],
    [
      ['deflate', '1:1.1.4'],
      ['inflate@ZLIB_1.2', '1:1.2.0'],
    ],
  );
  assert.equal(readSymbols(symbols, 'libnone.so.1'), undefined);
  assert.equal(
    readShlibs('udeb: libz 1 zlib1g-udeb\nlibz 1 zlib1g (>= 1:1.2.0)\n', 'libz.so.1'),
    'zlib1g (>= 1:1.2.0)',
  );
  assert.equal(readShlibs('libdb 5.3 libdb5.3\n', 'libdb-5.3.so'), 'libdb5.3');
});

test('whatever three texts say, merging ends and is nobody’s loss where one side did nothing', () => {
  const text = fc
    .array(fc.constantFrom('a=1', 'b=2', '', '# c', 'a=2'), { maxLength: 6 })
    .map((lines) => lines.map((line) => `${line}\n`).join(''));
  assert.ok(isMergeable('etc/x') && !isMergeable('usr/x'));
  fc.assert(fc.property(text, text, text, (old, now, own) => void merge('etc/x', old, now, own)));
});

test('every kind of conflict is one of the published schema', async () => {
  const schema = JSON.parse(await readFile(packageFile('schemas/rebase-report.schema.json'), 'utf8')) as {
    $defs: { conflict: { oneOf: { properties: { kind: { const: string } } }[] } };
  };
  const validate = new Ajv2020.default({ strict: true, allowUnionTypes: true }).compile(schema);
  const common = { path: 'a', reason: 'r' };
  const examples: { readonly [Kind in RebaseConflict['kind']]: Extract<RebaseConflict, { kind: Kind }> } = {
    path: { kind: 'path', path: 'a', base: 'added', child: 'writes' },
    package: { kind: 'package', package: 'p', reason: 'r' },
    dependency: { kind: 'dependency', package: 'p', relation: 'r' },
    library: { kind: 'library', soname: 's', neededBy: 'a', reason: 'r' },
    entry: { kind: 'entry', path: 'a', key: 'k' },
    database: { kind: 'database', path: 'a', family: 'rpm' },
    account: { kind: 'account', ...common, account: 'x' },
    pattern: { kind: 'pattern', ...common },
    derived: { kind: 'derived', ...common, from: 'b' },
    runtime: { kind: 'runtime', language: 'perl', from: '5.36', to: '5.40', usedBy: 'a' },
    interpreter: { kind: 'interpreter', path: 'a', interpreter: '/bin/x' },
    config: { kind: 'config', key: 'Env', reason: 'r' },
    release: { kind: 'release', from: 'a', to: 'b', reason: 'r' },
    limit: { kind: 'limit', reason: 'r' },
  };
  const lists = { overlapping: [], merged: ['a'], restored: [], librariesChecked: [] };
  const packages = [{ package: 'p', architecture: 'amd64', from: '1', to: undefined }];
  const report: RebaseReport = { safe: false, conflicts: Object.values(examples), ...lists, packages };
  assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
  assert.equal(schema.$defs.conflict.oneOf.length, Object.keys(examples).length);
  assert.equal(validate({ ...report, conflicts: [{ kind: 'other' }] }), false);
});
