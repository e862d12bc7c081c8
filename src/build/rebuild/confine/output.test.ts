import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineReader, createMask } from './output.ts';

test('lines across chunks, without what would drive a terminal', () => {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line));
  const bytes = Buffer.from('a\u001b[31mb\u001b[0m\ngr\u00fc\u00dfe\r50 %\r100 %\r\n\n\u0007last\u0000');
  for (const byte of bytes) reader.push(Uint8Array.of(byte));
  reader.end();
  assert.deepEqual(lines, ['ab', 'grüße', '50 %', '100 %', 'last']);
});

test('a line without end comes in pieces', () => {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line));
  for (let i = 0; i < 10; i += 1) reader.push(Buffer.alloc(10_000, 'x'));
  reader.end();
  assert.equal(lines.join('').length, 100_000);
  assert.ok(lines.length > 3);
});

test('secrets are masked whole, trimmed and line by line; the longest first', () => {
  const mask = createMask(['hunter2\n', 'hunter2-and-more', 'first line\nsecond line', 'ab']);
  assert.equal(mask('x hunter2-and-more y hunter2 ab second line'), 'x ••• y ••• ab •••');
});
