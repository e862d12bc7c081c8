import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { decodePath, encodePath } from './path.ts';
import { readTarBuffer } from './tar-buffer.ts';
import { scanTar } from './tar-parser.ts';
import { readTar } from './tar-read.ts';
import { createTarWriter } from './tar-writer.ts';
import type { TarHeader } from './types.ts';

export interface Item {
  readonly header: TarHeader;
  readonly content: Buffer;
}

export function pack(items: readonly Item[]): Buffer {
  const parts: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => parts.push(chunk));
  for (const { header, content } of items) writer.add(header, content);
  writer.finish();
  return Buffer.concat(parts);
}

async function* chunked(bytes: Buffer, step: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

const part = fc
  .uint8Array({ minLength: 1, maxLength: 130 })
  .map((bytes) => decodePath(Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte)))))
  .filter((name) => name !== '.' && name !== '..');
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const common = {
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  mtime: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
};
const xattrs = fc
  .array(fc.tuple(fc.stringMatching(/^(user|security)\.[a-z.]{1,20}$/), fc.uint8Array({ maxLength: 40 })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((entries) => new Map<string, Uint8Array>(entries.map(([key, value]) => [key, Buffer.from(value)])));

const item: fc.Arbitrary<Item> = fc.oneof(
  fc
    .tuple(fc.record(common), fc.uint8Array({ maxLength: 2000 }), fc.option(xattrs, { nil: undefined }))
    .map(([header, bytes, attributes]) => ({
      header: {
        ...header,
        type: 'file' as const,
        size: bytes.length,
        ...(attributes === undefined ? {} : { xattrs: attributes }),
      },
      content: Buffer.from(bytes),
    })),
  fc
    .tuple(fc.record(common), fc.constantFrom('directory' as const, 'fifo' as const))
    .map(([header, type]) => ({ header: { ...header, type, size: 0 }, content: Buffer.alloc(0) })),
  fc
    .tuple(fc.record(common), fc.constantFrom('symlink' as const, 'hardlink' as const), path)
    .map(([header, type, linkName]) => ({ header: { ...header, type, size: 0, linkName }, content: Buffer.alloc(0) })),
  fc
    .tuple(fc.record(common), fc.constantFrom('character' as const, 'block' as const), fc.nat(4000), fc.nat(1_000_000))
    .map(([header, type, deviceMajor, deviceMinor]) => ({
      header: { ...header, type, size: 0, deviceMajor, deviceMinor },
      content: Buffer.alloc(0),
    })),
);

async function readAll(bytes: Buffer, step: number): Promise<Item[]> {
  const items: Item[] = [];
  for await (const { read, stream: _, ...header } of readTar(chunked(bytes, step))) {
    items.push({ header, content: await read(1e6) });
  }
  return items;
}

async function scanAll(bytes: Buffer, step: number): Promise<Item[]> {
  const items: Item[] = [];
  await scanTar(chunked(bytes, step), {
    entry: () => 'capture',
    captured: (header, content) => void items.push({ header, content }),
  });
  return items;
}

const inMemory = (bytes: Buffer): Item[] =>
  [...readTarBuffer(bytes)].map(({ content, ...header }) => ({ header, content }));

test('what is written is read back alike by all three readers, whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 8 }), fc.integer({ min: 1, max: 3000 }), async (items, step) => {
      const bytes = pack(items);
      assert.equal(bytes.length % 512, 0);
      assert.deepEqual(inMemory(bytes), items);
      assert.deepEqual(await readAll(bytes, step), items);
      assert.deepEqual(await scanAll(bytes, step), items);
    }),
    { numRuns: 150 },
  );
});

test('any bytes of a file name survive', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual(encodePath(decodePath(Buffer.from(bytes))), Buffer.from(bytes));
    }),
  );
});

const sample: readonly Item[] = [
  {
    header: { path: 'etc', type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 5 },
    content: Buffer.alloc(0),
  },
  {
    header: { path: `etc/${'x'.repeat(180)}`, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 700, mtime: 5 },
    content: Buffer.alloc(700, 'a'),
  },
];

const outcome = async (read: () => unknown): Promise<string> => {
  try {
    await read();
    return 'read';
  } catch (error) {
    return isHeraklitError(error) ? error.code : `uncoded: ${String(error)}`;
  }
};

test('an archive cut at any byte before its end marker is refused by all three readers', async () => {
  const bytes = pack(sample);
  const marker = bytes.length - 1024;
  for (let length = 0; length < marker + 512; length += 1) {
    const cut = bytes.subarray(0, length);
    assert.equal(await outcome(() => inMemory(cut)), 'ARCHIVE_CORRUPT', `buffer, ${length}`);
    assert.equal(await outcome(() => readAll(cut, 400)), 'ARCHIVE_CORRUPT', `readTar, ${length}`);
    assert.equal(await outcome(() => scanAll(cut, 400)), 'ARCHIVE_CORRUPT', `scanTar, ${length}`);
  }
});

test('damaged bytes give a coded error or an archive, never anything else, and the readers agree', async () => {
  const bytes = pack(sample);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
      async (edits) => {
        const damaged = Buffer.from(bytes);
        for (const [at, byte] of edits) damaged[at] = byte;
        const outcomes = [
          await outcome(() => inMemory(damaged)),
          await outcome(() => readAll(damaged, 333)),
          await outcome(() => scanAll(damaged, 333)),
        ];
        assert.match(outcomes[0] as string, /^(?:read|ARCHIVE_\w+)$/);
        assert.equal(new Set(outcomes).size, 1, outcomes.join());
      },
    ),
    { numRuns: 500 },
  );
});

test('random bytes never crash the readers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
      assert.match(await outcome(() => inMemory(Buffer.from(bytes))), /^(?:read|ARCHIVE_\w+)$/);
    }),
  );
});
