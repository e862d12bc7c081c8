import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import {
  createTarWriter,
  decompressBuffer,
  detectCompression,
  extractTarBuffer,
  readAr,
  readTarBuffer,
  type TarHeader,
} from '../../src/archive/index.ts';
import { isHeraklitError } from '../../src/base/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'heraklit-archive-'));
after(() => rmSync(scratch, { recursive: true }));
const isRoot = process.geteuid?.() === 0;

function has(context: TestContext, ...tools: readonly string[]): boolean {
  const missing = tools.find((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined);
  if (missing !== undefined) context.skip(`${missing} not installed`);
  return missing === undefined;
}

function run(command: string, ...args: readonly string[]): Buffer {
  const result = spawnSync(command, args, {
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  assert.equal(result.status, 0, `${command} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** Path, type, mode, owner, size of files, whole seconds, target, links of everything below a folder. */
function listing(folder: string): string[] {
  const found = run('find', folder, '-mindepth', '1', '-printf', '%P\\t%y\\t%m\\t%U:%G\\t%T@\\t%l\\t%n\\t%s\\n');
  const lines = found.toString('latin1').trim().split('\n');
  return lines
    .map((line) => (line.split('\t')[1] === 'd' ? line.replace(/\d+$/, '') : line).replace(/\.0+\t/, '\t'))
    .sort();
}

/** A tree with everything a layer can hold. */
function makeTree(): string {
  const tree = mkdtempSync(join(scratch, 'tree-'));
  const long = 'long-name-'.repeat(14);
  mkdirSync(join(tree, 'dir', long, long), { recursive: true });
  writeFileSync(join(tree, 'dir', long, long, `${long}.txt`), 'deep');
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'füße ☃'), 'unicode');
  writeFileSync(Buffer.from(`${tree}/latin-\xe9`, 'latin1'), 'no utf-8');
  writeFileSync(join(tree, 'big'), Buffer.alloc(300_001, 'x'));
  run('ln', join(tree, 'big'), join(tree, `hard-${long}`));
  run('ln', '-s', `../${long}/${long}`, join(tree, 'soft'));
  run('ln', '-s', '/etc/passwd', join(tree, 'absolute'));
  run('mkfifo', join(tree, 'pipe'));
  if (isRoot) {
    spawnSync('mknod', [join(tree, 'null'), 'c', '1', '3']);
    run('chown', '-h', '12345:3000000', join(tree, 'empty'), join(tree, 'soft'));
  }
  run('chmod', '4755', join(tree, 'empty'));
  run('chmod', '1777', join(tree, 'dir'));
  run('find', tree, '-exec', 'touch', '-h', '-d', '@1234567890', '{}', '+');
  return tree;
}

const makeNode = (path: string, header: TarHeader): boolean => {
  const device = [header.type === 'block' ? 'b' : 'c', String(header.deviceMajor), String(header.deviceMinor)];
  return spawnSync('mknod', [path, ...(header.type === 'fifo' ? ['p'] : device)]).status === 0;
};

for (const format of ['gnu', 'pax', 'oldgnu', 'posix']) {
  test(`what GNU tar writes as ${format} unpacks to the same tree`, (context) => {
    if (!has(context, 'tar')) return;
    const tree = makeTree();
    const bytes = run('tar', `--format=${format}`, '-C', tree, '-cf', '-', '.');
    const out = mkdtempSync(join(scratch, 'out-'));
    assert.deepEqual(extractTarBuffer(bytes, out, { makeNode }).incomplete, []);
    assert.deepEqual(listing(out), listing(tree));
    run('diff', '-r', '--no-dereference', '--exclude=pipe', '--exclude=null', tree, out);
  });
}

for (const format of ['ustar', 'v7']) {
  test(`what GNU tar writes as ${format} is read`, (context) => {
    if (!has(context, 'tar')) return;
    const tree = mkdtempSync(join(scratch, 'short-'));
    mkdirSync(join(tree, 'a/b'), { recursive: true });
    writeFileSync(join(tree, 'a/b/file'), 'text');
    run('ln', '-s', 'b/file', join(tree, 'a/link'));
    const out = mkdtempSync(join(scratch, 'out-'));
    extractTarBuffer(run('tar', `--format=${format}`, '-C', tree, '-cf', '-', 'a'), out);
    assert.deepEqual(
      listing(out).map((line) => line.split('\t')[0]),
      ['a', 'a/b', 'a/b/file', 'a/link'],
    );
  });
}

test('what we write, GNU tar unpacks to the same tree', (context) => {
  if (!has(context, 'tar')) return;
  const tree = makeTree();
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  const entries = readTarBuffer(run('tar', '--format=pax', '--sort=name', '-C', tree, '-cf', '-', '.'));
  for (const { content, ...header } of entries) writer.add(header, content);
  writer.finish();
  const file = join(scratch, 'ours.tar');
  writeFileSync(file, Buffer.concat(parts));
  const out = mkdtempSync(join(scratch, 'out-'));
  assert.equal(run('tar', '--warning=all', '--numeric-owner', '-C', out, '-xpf', file).toString(), '');
  assert.deepEqual(listing(out), listing(tree));
});

test('GNU tar reads our extended attributes', (context) => {
  if (!has(context, 'tar')) return;
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  const xattrs = new Map([
    ['user.b', Buffer.from('two')],
    ['security.capability', Buffer.alloc(20, 1)],
    ['user.a', Buffer.from([0, 10, 255])],
  ]);
  writer.add({ path: 'f', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0, xattrs });
  writer.finish();
  writeFileSync(join(scratch, 'xattr.tar'), Buffer.concat(parts));
  const lines = run('tar', '--xattrs-include=*', '-tvvf', join(scratch, 'xattr.tar')).toString();
  for (const [name, value] of xattrs) assert.match(lines, new RegExp(`x: +${value.length} ${name}\\n`));
});

test('a file capability in an archive is on the file after unpacking', (context) => {
  if (!has(context, 'setcap', 'getcap')) return;
  if (!isRoot) return context.skip('needs root');
  const capability = Buffer.alloc(20);
  capability.writeUInt32LE(0x02000001, 0);
  capability.writeUInt32LE(1 << 13, 4);
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  const xattrs = new Map([['security.capability', capability]]);
  writer.add({ path: 'ping', type: 'file', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0, xattrs });
  writer.finish();
  const out = mkdtempSync(join(scratch, 'out-'));
  assert.deepEqual(extractTarBuffer(Buffer.concat(parts), out).incomplete, []);
  assert.match(run('getcap', join(out, 'ping')).toString(), /cap_net_raw=ep/);
});

test('sparse files are refused in each of GNU tar’s forms', (context) => {
  if (!has(context, 'tar')) return;
  const tree = mkdtempSync(join(scratch, 'sparse-'));
  run('truncate', '-s', '10M', join(tree, 'hole'));
  const forms = [['--format=gnu'], ...['0.0', '0.1', '1.0'].map((v) => ['--format=pax', `--sparse-version=${v}`])];
  for (const form of forms) {
    const bytes = run('tar', ...form, '--sparse', '-C', tree, '-cf', '-', 'hole');
    assert.throws(
      () => [...readTarBuffer(bytes)],
      (error) => isHeraklitError(error, 'ARCHIVE_UNSUPPORTED'),
      form.join(' '),
    );
  }
});

test('names that leave the archive or are absolute, as GNU tar -P writes them', (context) => {
  if (!has(context, 'tar')) return;
  const tree = mkdtempSync(join(scratch, 'evil-'));
  writeFileSync(join(tree, 'f'), 'x');
  const absolute = run('tar', '-P', '-cf', '-', join(tree, 'f'));
  assert.deepEqual(
    [...readTarBuffer(absolute)].map(({ path }) => path),
    [join(tree, 'f').slice(1)],
  );
  const escaping = run('tar', '-P', '-C', tree, '--transform=s,^,../../,', '-cf', '-', 'f');
  assert.throws(
    () => [...readTarBuffer(escaping)],
    (error) => isHeraklitError(error, 'ARCHIVE_PATH_ESCAPE'),
  );
});

const sample = Buffer.concat(
  Array.from({ length: 3000 }, (_, at) => Buffer.from(`line ${at} ${Math.sqrt(at)}\n`.repeat(20))),
);

for (const [tool, ...args] of [
  ['gzip', '-9'],
  ['zstd', '-19', '-q'],
  ['zstd', '-1', '-q', '--no-check', '--no-content-size'],
  ['xz', '-0'],
  ['xz', '--block-size=100000', '-T2'],
  ['xz', '--check=sha256', '-9e'],
  ['xz', '--check=none'],
] as const) {
  test(`${[tool, ...args].join(' ')}: one and several members are read`, async (context) => {
    if (!has(context, tool)) return;
    writeFileSync(join(scratch, 'plain'), sample);
    const packed = run(tool, ...args, '-c', join(scratch, 'plain'));
    const kind = detectCompression(packed);
    assert.equal(kind, tool);
    assert.ok((await decompressBuffer(packed, kind)).equals(sample));
    assert.ok((await decompressBuffer(Buffer.concat([packed, packed]), kind)).equals(Buffer.concat([sample, sample])));
  });
}

test('ar archives and packages are read as ar and dpkg-deb write them', async (context) => {
  if (!has(context, 'ar', 'dpkg-deb')) return;
  const folder = mkdtempSync(join(scratch, 'ar-'));
  for (const name of ['short', 'a-very-long-member-name-indeed.txt']) writeFileSync(join(folder, name), `${name}!`);
  run(
    'ar',
    'qc',
    join(folder, 'x.a'),
    ...['short', 'a-very-long-member-name-indeed.txt'].map((name) => join(folder, name)),
  );
  assert.deepEqual(
    readAr(readFileSync(join(folder, 'x.a'))).map(({ name, content }) => [name, String(content)]),
    ['short', 'a-very-long-member-name-indeed.txt'].map((name) => [name, `${name}!`]),
  );
  const tree = join(folder, 'pkg');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  writeFileSync(join(tree, 'usr/bin/x'), 'x');
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.x>\nDescription: x\n',
  );
  for (const compression of ['none', 'gzip', 'xz', 'zstd']) {
    const file = join(folder, `${compression}.deb`);
    if (spawnSync('dpkg-deb', [`-Z${compression}`, '--root-owner-group', '-b', tree, file]).status !== 0) continue;
    const members = readAr(readFileSync(file));
    assert.deepEqual([members.length, members[0]?.name, String(members[0]?.content)], [3, 'debian-binary', '2.0\n']);
    const data = members[2]?.content as Buffer;
    const names = [...readTarBuffer(await decompressBuffer(data, detectCompression(data)))].map(({ path }) => path);
    assert.deepEqual(names, ['', 'usr', 'usr/bin', 'usr/bin/x']);
  }
  assert.ok(readdirSync(folder).some((name) => name.endsWith('.deb')));
});
