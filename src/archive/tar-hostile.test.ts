import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { readTarBuffer } from './tar-buffer.ts';
import { scanTar } from './tar-parser.ts';
import { readTar } from './tar-read.ts';
import { createTarWriter } from './tar-writer.ts';
import type { ArchiveLimits } from './types.ts';

interface Raw {
  readonly name?: string;
  readonly flag?: string;
  readonly size?: string | Buffer;
  readonly link?: string;
  readonly magic?: string;
  readonly uid?: Buffer;
  readonly content?: string;
}

/** A header by hand, as no honest writer would write it. */
function entry({ name = 'f', flag = '0', size, link = '', magic = 'ustar\x0000', uid, content = '' }: Raw): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 'latin1');
  block.write('0000644\x000000000\x000000000\0', 100, 'latin1');
  uid?.copy(block, 108);
  if (Buffer.isBuffer(size)) size.copy(block, 124);
  else block.write(size ?? content.length.toString(8).padStart(11, '0'), 124, 'latin1');
  block.write('00000000000', 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(flag, 156, 'latin1');
  block.write(link, 157, 'latin1');
  block.write(magic, 257, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content, 0, 'latin1');
  return Buffer.concat([block, body]);
}

const END = Buffer.alloc(1024);
const archive = (...entries: readonly Raw[]): Buffer => Buffer.concat([...entries.map(entry), END]);
const read = (bytes: Buffer, limits?: Partial<ArchiveLimits>) => [...readTarBuffer(bytes, limits)];
const pax = (key: string, value: string): Raw => {
  const rest = ` ${key}=${value}\n`.length;
  const length = rest + String(rest + String(rest).length).length;
  return { flag: 'x', name: 'pax', content: `${length} ${key}=${value}\n` };
};

async function* once(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function refused(bytes: Buffer, code: string, limits?: Partial<ArchiveLimits>): Promise<void> {
  const isCode = (error: unknown): boolean => isHeraklitError(error, code);
  assert.throws(() => read(bytes, limits), isCode);
  await assert.rejects(Array.fromAsync(readTar(once(bytes), limits)), isCode);
  await assert.rejects(scanTar(once(bytes), { entry: () => 'capture' }, limits), isCode);
}

test('names that leave the archive are refused, however they are written', async () => {
  for (const name of ['../x', 'a/../../x', 'a/..', '..', '/../x', './../x']) {
    await refused(archive({ name }), 'ARCHIVE_PATH_ESCAPE');
    await refused(archive(pax('path', name), {}), 'ARCHIVE_PATH_ESCAPE');
    await refused(archive({ flag: 'L', content: `${name}\0` }, {}), 'ARCHIVE_PATH_ESCAPE');
    await refused(archive({ flag: '1', link: name }), 'ARCHIVE_PATH_ESCAPE');
  }
});

test('absolute and untidy names become relative and tidy', () => {
  const names = ['/etc/x', './etc/x', 'etc//x', 'etc/./x', '///etc/x'];
  assert.deepEqual(
    read(archive(...names.map((name) => ({ name })))).map(({ path }) => path),
    names.map(() => 'etc/x'),
  );
  const folders = read(archive({ name: './', flag: '5' }, { name: 'a/b/', flag: '\0', magic: '' }));
  assert.deepEqual(
    folders.map(({ path, type }) => [path, type]),
    [
      ['', 'directory'],
      ['a/b', 'directory'],
    ],
  );
});

test('symlink targets stay as they are', () => {
  assert.equal(read(archive({ flag: '2', link: '../../../etc/passwd' }))[0]?.linkName, '../../../etc/passwd');
});

test('what cannot be is corrupt', async () => {
  const negative = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  const huge = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]);
  const cases: readonly (readonly Raw[])[] = [
    [{ size: negative }],
    [{ size: huge }],
    [{ size: '0000000009x' }],
    [{ uid: negative.subarray(4) }],
    [{ name: '' }],
    [{ name: 'a/', content: 'x' }],
    [{ flag: '2' }],
    [{ flag: '1' }],
    [pax('path', 'a\0b'), {}],
    [pax('linkpath', 'a\0b'), { flag: '2', link: 'x' }],
    [pax('size', '-1'), {}],
    [pax('size', '1e3'), {}],
    [pax('mtime', 'soon'), {}],
    [{ flag: 'x', content: '99 path=a\n' }, {}],
    [{ flag: 'x', content: '0 path=a\n' }, {}],
    [{ flag: 'x', content: '7 path\n' }, {}],
    [{ flag: 'x', content: '5 =a\n' }, {}],
    [{ flag: 'x', content: 'path=a\n' }, {}],
    [pax('path', 'a')],
    [{ flag: 'L', content: 'name\0' }],
  ];
  for (const raws of cases) await refused(archive(...raws), 'ARCHIVE_CORRUPT');
  await refused(Buffer.concat([entry({}), Buffer.alloc(512), entry({}), END]), 'ARCHIVE_CORRUPT');
});

test('features no layer has are refused by name', async () => {
  for (const raws of [[{ flag: 'S' }], [{ flag: 'M' }], [{ flag: 'Z' }], [pax('GNU.sparse.major', '1'), {}]]) {
    await refused(archive(...raws), 'ARCHIVE_UNSUPPORTED');
  }
});

test('each limit is kept', async () => {
  await refused(archive({}, {}, {}), 'ARCHIVE_LIMIT', { entries: 2 });
  await refused(archive({ name: 'a/b/c' }), 'ARCHIVE_LIMIT', { depth: 2 });
  await refused(archive({ name: 'abcdef' }), 'ARCHIVE_LIMIT', { pathLength: 5 });
  await refused(archive({ flag: '2', link: 'abcdef' }), 'ARCHIVE_LIMIT', { pathLength: 5 });
  await refused(archive({ content: 'x'.repeat(5000) }), 'ARCHIVE_LIMIT', { bytes: 4000 });
  await refused(archive({ size: '77777777777' }), 'ARCHIVE_LIMIT', { bytes: 4000 });
  await refused(archive({ flag: 'x', size: '77777777777' }), 'ARCHIVE_LIMIT');
  await refused(archive({ flag: 'L', size: '77777777777' }), 'ARCHIVE_LIMIT');
  const scan = scanTar(once(archive({ content: 'abc' })), { entry: () => 'capture' }, {}, { captureLimit: 2 });
  await assert.rejects(scan, (error) => isHeraklitError(error, 'ARCHIVE_LIMIT'));
});

test('later records win over earlier ones, and apply to one entry', () => {
  const global = { ...pax('uid', '7'), flag: 'g' };
  const found = read(archive(global, pax('uid', '8'), pax('path', 'long'), {}, { name: 'next' }));
  assert.deepEqual(
    found.map(({ path, uid }) => [path, uid]),
    [
      ['long', 8],
      ['next', 7],
    ],
  );
});

test('an archive without end marker is read only where that is allowed', async () => {
  const open = entry({ content: 'x' });
  await refused(open, 'ARCHIVE_CORRUPT');
  assert.equal([...readTarBuffer(open, {}, { allowMissingEnd: true })].length, 1);
  assert.equal((await Array.fromAsync(readTar(once(open), {}, { allowMissingEnd: true }))).length, 1);
  await scanTar(once(open), { entry: () => 'skip' }, {}, { allowMissingEnd: true });
  await refused(open.subarray(0, 600), 'ARCHIVE_CORRUPT');
});

test('contents are streamed, read whole within a limit, or skipped', async () => {
  const bytes = archive(
    { name: 'a', content: 'x'.repeat(2000) },
    { name: 'b', content: 'yy' },
    { name: 'c', content: 'zzz' },
  );
  const seen: string[] = [];
  let first: { stream(): NodeJS.ReadableStream } | undefined;
  for await (const found of readTar(once(bytes.subarray(0, 700), bytes.subarray(700)))) {
    if (found.path === 'a') {
      first = found;
      seen.push(String((await buffer(found.stream())).length));
    } else if (found.path === 'b') {
      await assert.rejects(found.read(1), (error) => isHeraklitError(error, 'ARCHIVE_LIMIT'));
      await assert.rejects(buffer((first as { stream(): NodeJS.ReadableStream }).stream()), /after the next entry/);
    } else seen.push(String(await found.read(3)));
  }
  assert.deepEqual(seen, ['2000', 'zzz']);
});

test('a writer refuses content of another length, and numbers tar cannot hold', () => {
  const header = { path: 'f', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 3, mtime: 0 } as const;
  const writer = () => createTarWriter(() => undefined);
  const isCode = (code: string) => (error: unknown) => isHeraklitError(error, code);
  assert.throws(() => writer().add(header, Buffer.from('ab')), isCode('ARCHIVE_SIZE_MISMATCH'));
  assert.throws(() => writer().add(header, Buffer.from('abcd')), isCode('ARCHIVE_SIZE_MISMATCH'));
  const unfinished = writer();
  unfinished.begin(header);
  assert.throws(() => unfinished.finish(), isCode('ARCHIVE_SIZE_MISMATCH'));
  assert.throws(() => writer().add({ ...header, uid: -1 }), isCode('ARCHIVE_UNSUPPORTED'));
  assert.throws(() => writer().add({ ...header, mtime: 1.5 }), isCode('ARCHIVE_UNSUPPORTED'));
});
