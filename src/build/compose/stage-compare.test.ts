import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { BufferedTarEntry, TarHeader } from '../../archive/index.ts';
import type { PackageRecord } from './package-record.ts';
import { databaseDiffers, filesDiffer } from './stage-compare.ts';
import type { StageRecord } from './stage-record.ts';
import { stageShape } from './stage-shape.ts';

const entry = (path: string, text: string | Buffer, more: Partial<TarHeader> = {}): BufferedTarEntry => {
  const content = Buffer.from(text);
  return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 5, size: content.length, content, ...more };
};
const entries = (...list: readonly BufferedTarEntry[]): ReadonlyMap<string, BufferedTarEntry> =>
  new Map(list.map((item) => [item.path, item]));
const differ = (before: BufferedTarEntry, after: BufferedTarEntry, ...reads: string[]): string | undefined =>
  filesDiffer(entries(before), entries(after), new Set(reads));

test('other content matters where it was read, and nowhere else', () => {
  assert.equal(differ(entry('usr/bin/x', 'old'), entry('usr/bin/x', 'new!', { mtime: 9 })), undefined);
  assert.match(differ(entry('usr/bin/x', 'old'), entry('usr/bin/x', 'new'), 'usr/bin/x') ?? '', /scripts read \/usr/);
  assert.equal(differ(entry('usr/bin/x', 'same'), entry('usr/bin/x', 'same', { mtime: 9 }), 'usr/bin/x'), undefined);
  assert.match(
    differ(entry('etc/ld.so.conf.d/x.conf', '/a'), entry('etc/ld.so.conf.d/x.conf', '/b')) ?? '',
    /ldconfig/,
  );
});

test('what can be seen without reading must be the same', () => {
  const x = entry('usr/bin/x', 'x');
  const link = { type: 'symlink', size: 0 } as const;
  const others: readonly BufferedTarEntry[] = [
    entry('usr/bin/x', 'x', { mode: 0o755 }),
    entry('usr/bin/x', 'x', { uid: 1 }),
    entry('usr/bin/x', ''),
    entry('usr/bin/x', '', { ...link, linkName: 'y' }),
    entry('usr/bin/x', 'x', { xattrs: new Map([['security.capability', Buffer.from([1])]]) }),
  ];
  for (const other of others) assert.match(differ(x, other) ?? '', /another type, mode, owner/);
  assert.match(filesDiffer(entries(x), entries(), new Set()) ?? '', /is gone/);
  assert.match(filesDiffer(entries(), entries(x), new Set()) ?? '', /is new/);
  const note = entry('usr/share/doc/x/NEWS.gz', 'x');
  assert.equal(filesDiffer(entries(), entries(note), new Set()), undefined);
  assert.match(filesDiffer(entries(), entries(note), new Set(['usr/share/doc/x'])) ?? '', /is new/);
  assert.match(filesDiffer(entries(), entries(note), new Set(['usr/share/doc'])) ?? '', /is new/);
});

test("comments of packaging tools in dpkg's trigger files say nothing", () => {
  const path = 'var/lib/dpkg/info/x.triggers';
  const [old, now] = ['# added by 1\nactivate-noawait ldconfig\n', '# added by 2\nactivate-noawait ldconfig\n'];
  assert.equal(differ(entry(path, old), entry(path, now), path), undefined);
  assert.match(differ(entry(path, old), entry(path, 'interest x\n'), path) ?? '', /scripts read/);
});

test('a library that nobody read counts as far as ldconfig looks at it', (context) => {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const library = (name: RegExp): Buffer | undefined => {
    const file = maps.split('\n').find((line) => name.test(line));
    return file === undefined ? undefined : readFileSync(file.slice(file.indexOf('/')));
  };
  const [libm, libc] = [library(/\/libm\.so/), library(/\/libc\.so/)];
  if (libm === undefined || libc === undefined) return context.skip('glibc not installed');
  const path = 'usr/lib/libx.so.1';
  const code = Buffer.from(libm);
  code.fill(0x90, Math.floor(code.length / 2), Math.floor(code.length / 2) + 64);
  assert.equal(differ(entry(path, libm), entry(path, code)), undefined);
  assert.match(differ(entry(path, libm), entry(path, libc)) ?? '', /linker cache/);
  assert.match(differ(entry(path, libm), entry(path, 'text')) ?? '', /linker cache/);
  assert.match(differ(entry(path, libm), entry(path, libm.subarray(0, 70))) ?? '', /linker cache/);
  assert.equal(differ(entry('usr/share/x', libm), entry('usr/share/x', libc)), undefined);
});

const record = (name: string, version: string, fields = '', more: Partial<PackageRecord> = {}): PackageRecord => ({
  ...{ sha256: `${name}${version}`, name, version, architecture: 'amd64', multiArch: 'no', mtime: 1 },
  control: `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\n${fields}`,
  ...{ conffiles: [], triggers: '', scripts: [], paths: [] },
  ...more,
});

test('a version counts as far as relations are satisfied by it', () => {
  const shape = (...records: readonly PackageRecord[]) => JSON.stringify(stageShape(new Map(), records));
  const a = record('a', '1', 'Depends: b (>= 2)\n');
  assert.equal(shape(a, record('b', '2')), shape(a, record('b', '3')));
  assert.notEqual(shape(a, record('b', '2')), shape(a, record('b', '1')));
  const sibling = (version: string) => record('a', version, `Depends: b (= ${version})\n`);
  assert.equal(shape(sibling('1'), record('b', '1')), shape(sibling('2'), record('b', '2')));
  assert.notEqual(shape(a, record('b', '2')), shape(a, record('b', '2', 'Depends: c\n')));
  assert.notEqual(shape(a, record('b', '2')), shape(a, record('b', '2', '', { scripts: ['postinst'] })));
  assert.notEqual(shape(a, record('b', '2')), shape(record('b', '2'), a));
  const provided = (version: string) => record('b', '9', `Provides: v (= ${version})\n`);
  const wants = record('a', '1', 'Depends: v (>= 2)\n');
  assert.equal(shape(wants, provided('2')), shape(wants, provided('3')));
  assert.notEqual(shape(wants, provided('2')), shape(wants, provided('1')));
});

test('what the database says against a record is named', () => {
  const known: StageRecord = {
    ...{ layers: [], packages: {}, shape: { 'a:amd64': 'x' }, state: { 'etc/x': '1' }, reads: [] },
    ...{ queried: ['a'], unfit: undefined },
  };
  const same = { shape: known.shape, state: known.state, changed: ['b:amd64'] };
  assert.equal(databaseDiffers(known, same), undefined);
  assert.match(databaseDiffers(known, { ...same, changed: ['a:amd64'] }) ?? '', /asked dpkg about a:amd64/);
  assert.match(databaseDiffers({ ...known, queried: undefined }, same) ?? '', /any package/);
  assert.match(databaseDiffers({ ...known, unfit: 'apt ran' }, same) ?? '', /apt ran/);
  assert.match(databaseDiffers(known, { ...same, state: {} }) ?? '', /\/etc\/x/);
  assert.match(databaseDiffers(known, { ...same, shape: { 'a:amd64': 'y' } }) ?? '', /scripts of a:amd64/);
});
