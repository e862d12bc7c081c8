import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LayerReading } from './layer-reading.ts';
import { DEFERRED_LIMIT, PROBLEMS_PER_FILE } from './limits.ts';
import { ReaderSet } from './reader-set.ts';
import type { ContentFile, ContentReader } from './types.ts';

const text: ContentReader = {
  id: 'text',
  version: 1,
  files: { names: ['note'], extensions: ['.txt'] },
  wants: () => ({ kind: 'whole', limit: 10 }),
  read: (_, bytes) => ({ facts: bytes.toString('latin1') }),
};

const program: ContentReader = {
  id: 'program',
  version: 1,
  files: { magic: [Buffer.from('\x7fELF')] },
  wants: (_, head) => (head.length > 64 && head[4] === 0 ? 'no' : { kind: 'stream' }),
  open: () => {
    let bytes = 0;
    return {
      write: (chunk) => {
        bytes += chunk.length;
      },
      end: () => ({ facts: bytes }),
    };
  },
};

async function read(
  readers: readonly ContentReader[],
  files: readonly (readonly [path: string, content: Buffer, mode?: number])[],
  cut = 1_000_000,
) {
  const reading = new LayerReading(new ReaderSet(readers));
  for (const [path, content, mode] of files) {
    const sink = reading.entry(path, content.length, mode ?? 0o644);
    for (let at = 0; at < content.length; at += cut) {
      // Chunks are valid during the call alone.
      const chunk = Buffer.from(content.subarray(at, at + cut));
      sink?.write(chunk);
      chunk.fill(0xee);
    }
    sink?.end();
  }
  return reading.finish();
}

const elf = Buffer.concat([Buffer.from('\x7fELF\x01'), Buffer.alloc(9000)]);

test('readers are chosen by name, extension and, for programs alone, first bytes', async () => {
  const found = await read(
    [text, program],
    [
      ['a/note', Buffer.from('one')],
      ['a/b.c.txt', Buffer.from('two')],
      ['a/notes', Buffer.from('no')],
      ['bin/tool', elf, 0o755],
      ['lib/data', elf],
      ['bin/script', Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`), 0o755],
      ['a/.txt', Buffer.from('')],
    ],
  );
  assert.deepEqual(found, [
    { reader: 'text', path: 'a/.txt', facts: '' },
    { reader: 'text', path: 'a/b.c.txt', facts: 'two' },
    { reader: 'text', path: 'a/note', facts: 'one' },
    { reader: 'program', path: 'bin/tool', facts: elf.length },
  ]);
});

test('how the content is cut into chunks changes nothing', async () => {
  const files = [
    ['note', Buffer.from('some text')],
    ['tool', elf, 0o755],
    ['tool.txt', elf.subarray(0, 9), 0o755],
    ['deferred.later', Buffer.from('later')],
  ] as const;
  const later: ContentReader = {
    ...text,
    id: 'later',
    files: { extensions: ['.later'] },
    deferred: true,
    read: async (_, bytes) => ({ facts: bytes.toString() }),
  };
  const whole = await read([text, program, later], files);
  assert.equal(whole.length, 4);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), async (cut) => {
      assert.deepEqual(await read([text, program, later], files, cut), whole);
    }),
    { numRuns: 30 },
  );
});

test('of a path that stands twice the later one counts', async () => {
  const found = await read(
    [text],
    [
      ['note', Buffer.from('old')],
      ['note', Buffer.from('new')],
    ],
  );
  assert.deepEqual(found, [{ reader: 'text', path: 'note', facts: 'new' }]);
});

test('what is over a limit, or breaks a reader, is a problem of that file alone', async () => {
  const breaking = (id: string, more: Partial<ContentReader>): ContentReader => ({
    ...text,
    id,
    files: { names: [id] },
    ...more,
  });
  const fail = (): never => {
    throw new Error('broken');
  };
  const files = ['wants', 'read', 'open', 'write', 'end', 'later'];
  const stream = { wants: () => ({ kind: 'stream' }) as const };
  const found = await read(
    [
      text,
      breaking('wants', { wants: fail }),
      breaking('read', { read: fail }),
      breaking('open', { ...stream, open: fail }),
      breaking('write', { ...stream, open: () => ({ write: fail, end: () => ({ facts: 1 }) }) }),
      breaking('end', { ...stream, open: () => ({ write: () => undefined, end: fail }) }),
      breaking('later', { deferred: true, read: async () => fail() }),
    ],
    [
      ...files.map((name) => [name, Buffer.from('x')] as const),
      ['big.txt', Buffer.alloc(11)],
      ['note', Buffer.from('y')],
    ],
  );
  assert.deepEqual(
    found.map(({ path, problems, facts }) => [path, problems?.[0] ?? facts]).sort(),
    [
      ...files.map((name) => [name, 'broken']),
      ['big.txt', 'has 11 bytes, more than 10 that are read'],
      ['note', 'y'],
    ].sort(),
  );
});

test('problems are counted beyond the first; deferred files have a budget', async () => {
  const many: ContentReader = { ...text, read: () => ({ problems: Array.from({ length: 100 }, (_, at) => `${at}`) }) };
  const [finding] = await read([many], [['note', Buffer.from('x')]]);
  assert.equal(finding?.problems?.length, PROBLEMS_PER_FILE + 1);
  assert.equal(finding?.problems?.at(-1), `and ${100 - PROBLEMS_PER_FILE} more problems`);
  const large: ContentReader = { ...text, deferred: true, wants: () => ({ kind: 'whole', limit: DEFERRED_LIMIT * 2 }) };
  const reading = new LayerReading(new ReaderSet([large]));
  assert.equal(reading.entry('note', DEFERRED_LIMIT + 1, 0o644), undefined);
  assert.match((await reading.finish())[0]?.problems?.[0] ?? '', /over the \d+ bytes/);
});

test('the fingerprint changes with any reader', () => {
  const print = (...readers: ContentReader[]): string => new ReaderSet(readers).fingerprint;
  assert.equal(print(text, program), print(program, text));
  assert.notEqual(print(text), print(text, program));
  assert.notEqual(print(text), print({ ...text, version: 2 }));
});

test('a file is seen as the reader needs it', async () => {
  const seen: ContentFile[] = [];
  const watching: ContentReader = {
    ...text,
    wants: (file) => {
      seen.push(file);
      return 'no';
    },
  };
  assert.deepEqual(await read([watching], [['a/note', Buffer.from('x'), 0o600]]), []);
  assert.deepEqual(seen, [{ path: 'a/note', name: 'note', size: 1, mode: 0o600 }]);
});
