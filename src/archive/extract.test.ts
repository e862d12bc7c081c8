import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { capabilityText } from './capability.ts';
import { extractTar, extractTarBuffer } from './extract.ts';
import { removeFromRoot } from './remove.ts';
import { createTarWriter } from './tar-writer.ts';
import type { TarHeader } from './types.ts';

const scratch = mkdtempSync(join(tmpdir(), 'heraklit-extract-'));
after(() => rmSync(scratch, { recursive: true }));
let count = 0;

/** A root two folders deep, with a witness beside it that nothing may touch. */
function freshRoot(): { readonly root: string; readonly outside: string } {
  count += 1;
  const outside = join(scratch, String(count));
  const root = join(outside, 'deep', 'root');
  mkdirSync(root, { recursive: true });
  return { root, outside };
}

type Line = readonly [type: TarHeader['type'], path: string, target?: string | undefined, change?: Partial<TarHeader>];

function tar(lines: readonly Line[]): Buffer {
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  for (const [type, path, text, change] of lines) {
    const content = type === 'file' ? Buffer.from(text ?? path) : Buffer.alloc(0);
    const base = { path, type, mode: 0o755, uid: 0, gid: 0, size: content.length, mtime: 1000 };
    const link = type === 'symlink' || type === 'hardlink' ? { linkName: text ?? '' } : {};
    writer.add({ ...base, ...link, ...change }, content);
  }
  writer.finish();
  return Buffer.concat(parts);
}

const owner = false;

test('symlinks are followed as if the root were /, for merged /usr and for attacks alike', () => {
  for (const target of ['usr/lib', '/usr/lib', './usr/lib', '../../../usr/lib', '/../usr/./lib//']) {
    const { root, outside } = freshRoot();
    extractTarBuffer(
      tar([
        ['directory', 'usr/lib'],
        ['symlink', 'lib', target],
        ['file', 'lib/x', 'in'],
      ]),
      root,
      { owner },
    );
    assert.equal(readFileSync(join(root, 'usr/lib/x'), 'utf8'), 'in', target);
    assert.equal(readlinkSync(join(root, 'lib')), target);
    assert.ok(!existsSync(join(outside, 'usr')));
  }
});

test('a folder entry keeps a symlink to a folder, or replaces it where asked', () => {
  const lines: Line[] = [
    ['directory', 'usr'],
    ['symlink', 'lib', 'usr'],
    ['directory', 'lib'],
    ['file', 'lib/x'],
  ];
  const [kept, replaced] = [freshRoot().root, freshRoot().root];
  extractTarBuffer(tar(lines), kept, { owner });
  assert.ok(lstatSync(join(kept, 'lib')).isSymbolicLink());
  assert.ok(existsSync(join(kept, 'usr/x')));
  extractTarBuffer(tar(lines), replaced, { owner, folderOverSymlink: 'replace' });
  assert.ok(lstatSync(join(replaced, 'lib')).isDirectory());
  assert.ok(!existsSync(join(replaced, 'usr/x')));
});

test('an existing symlink is replaced by a file, never written through', () => {
  const { root, outside } = freshRoot();
  symlinkSync(join(outside, 'victim'), join(root, 'a'));
  extractTarBuffer(
    tar([
      ['file', 'a', 'mine'],
      ['symlink', 'b', '/a'],
      ['hardlink', 'c', 'b'],
      ['file', 'c', 'new'],
    ]),
    root,
    {
      owner,
    },
  );
  assert.ok(!existsSync(join(outside, 'victim')));
  assert.equal(readFileSync(join(root, 'a'), 'utf8'), 'mine');
  assert.equal(readFileSync(join(root, 'c'), 'utf8'), 'new');
});

test('no sequence of entries touches anything outside the root', () => {
  const name = fc.constantFrom('a', 'b', 'a/b', 'a/b/c', 'b/a');
  const target = fc.constantFrom(
    '..',
    '../..',
    '/',
    '../../..',
    '/a',
    'b',
    '../../victim',
    '.',
    'a/..',
    '/../../victim',
  );
  const line = fc.oneof(
    fc.tuple(fc.constant('file' as const), name),
    fc.tuple(fc.constant('directory' as const), name),
    fc.tuple(fc.constant('symlink' as const), name, target),
    fc.tuple(fc.constant('hardlink' as const), name, name),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 10 }),
      fc.constantFrom('keep' as const, 'replace' as const),
      (lines, folderOverSymlink) => {
        const { root, outside } = freshRoot();
        try {
          extractTarBuffer(tar(lines), root, { owner, folderOverSymlink });
        } catch (error) {
          assert.ok(isHeraklitError(error), String(error));
        }
        assert.deepEqual(
          [outside, join(outside, 'deep')].map((folder) => statSync(folder).nlink),
          [3, 3],
        );
        assert.ok(!existsSync(join(outside, 'victim')) && !existsSync(join(outside, 'deep/victim')));
        rmSync(outside, { recursive: true });
      },
    ),
    { numRuns: 300 },
  );
});

test('modes, times, hardlinks and folders survive; what the host cannot do is told', async () => {
  const { root } = freshRoot();
  const bytes = tar([
    ['directory', '', undefined, { mode: 0o711, mtime: 7 }],
    ['directory', 'd', undefined, { mode: 0o1777, mtime: 5 }],
    ['file', 'd/f', 'x', { mode: 0o4751, mtime: -3 }],
    ['hardlink', 'h', 'd/f'],
    ['symlink', 's', 'nowhere', { mtime: 9 }],
    ['character', 'dev/null', undefined, { deviceMajor: 1, deviceMinor: 3 }],
    ['fifo', 'pipe'],
    ['file', '\udcff', 'bytes'],
  ]);
  const result = await extractTar(
    (async function* () {
      yield bytes.subarray(0, 700);
      yield bytes.subarray(700);
    })(),
    root,
    { owner },
  );
  assert.deepEqual(result, { entries: 8, incomplete: ['dev/null: character device', 'pipe: fifo'] });
  const file = lstatSync(join(root, 'd/f'));
  assert.deepEqual([file.mode & 0o7777, file.mtimeMs, file.nlink], [0o4751, -3000, 2]);
  assert.deepEqual([statSync(root).mode & 0o7777, statSync(root).mtimeMs], [0o711, 7000]);
  const folder = statSync(join(root, 'd'));
  assert.deepEqual([folder.mode & 0o7777, folder.mtimeMs], [0o1777, 5000]);
  assert.equal(lstatSync(join(root, 's')).mtimeMs, 9000);
  assert.equal(readFileSync(Buffer.from(`${root}/\xff`, 'latin1'), 'utf8'), 'bytes');
});

test('nodes are made by the callback, and filtered entries are left out', () => {
  const { root } = freshRoot();
  const made: string[] = [];
  const result = extractTarBuffer(
    tar([
      ['fifo', 'run/pipe'],
      ['file', '.wh.x'],
    ]),
    root,
    {
      owner,
      filter: ({ path }) => path !== '.wh.x',
      makeNode: (path, header) => {
        made.push(`${header.type} ${path.slice(root.length)}`);
        return false;
      },
    },
  );
  assert.deepEqual(made, ['fifo /run/pipe']);
  assert.equal(result.entries, 1);
});

test('entries that cannot be are refused with a code', () => {
  const refused = (lines: readonly Line[]): void => {
    assert.throws(
      () => extractTarBuffer(tar(lines), freshRoot().root, { owner }),
      (error) => isHeraklitError(error, 'ARCHIVE_CORRUPT'),
    );
  };
  refused([['hardlink', 'a', 'missing']]);
  refused([
    ['file', 'a'],
    ['file', 'a/b'],
  ]);
  refused([
    ['symlink', 'a', 'b'],
    ['symlink', 'b', 'a'],
    ['file', 'a/x'],
  ]);
  assert.throws(
    () => extractTarBuffer(tar([['file', 'a']]), join(scratch, 'no', 'such', 'root'), { owner }),
    (error) => isHeraklitError(error, 'SYSTEM_ERROR'),
  );
});

test('removing takes names literally and never follows a symlink', () => {
  const { root, outside } = freshRoot();
  mkdirSync(join(outside, 'victim'));
  symlinkSync('../../victim', join(root, 'out'));
  mkdirSync(join(root, 'in/deep'), { recursive: true });
  symlinkSync('/', join(root, 'in/slash'));
  removeFromRoot(root, ['out/x', 'missing/x', 'in/deep']);
  assert.ok(existsSync(join(outside, 'victim')) && !existsSync(join(root, 'in/deep')));
  removeFromRoot(root, ['in', 'out'], 'content');
  assert.ok(existsSync(join(outside, 'victim')) && !existsSync(join(root, 'in/slash')));
  removeFromRoot(root, [''], 'content');
  assert.deepEqual([readdirSync(root), existsSync(join(outside, 'victim'))], [[], true]);
});

test('file capabilities become text for setcap', () => {
  const value = Buffer.alloc(20);
  value.writeUInt32LE(0x02000001, 0);
  value.writeUInt32LE(1 << 13, 4);
  assert.equal(capabilityText(value), '13=ep');
  value.writeUInt32LE(0x02000000, 0);
  value.writeUInt32LE(1 << 10, 8);
  value.writeUInt32LE(1 << 6, 12);
  assert.equal(capabilityText(value), '10=i 13=p 38=p');
  assert.equal(capabilityText(Buffer.alloc(20)), undefined);
  assert.equal(capabilityText(Buffer.alloc(3)), undefined);
});
