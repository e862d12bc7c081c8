import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { isElf, type LoadMap, readElf, readLoadMap } from './index.ts';

/** Some programs of this machine. */
const FILES: readonly Buffer[] = readdirSync('/usr/bin')
  .map((name) => join('/usr/bin', name))
  .filter((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true && found.size < 2_000_000;
  })
  .slice(0, 200)
  .map((path) => readFileSync(path))
  .filter(isElf);

test('where the parts of a program lie, from its first bytes', (context) => {
  if (FILES.length === 0) return context.skip('no programs to look at');
  for (const bytes of FILES) {
    const map = readLoadMap(bytes.subarray(0, 4096));
    assert.equal(map.wordBytes * 8, readElf(bytes).class);
    assert.ok(map.noteOwners.includes('GNU'));
    assert.ok(map.parts.some(({ isExecutable, isWritable }) => isExecutable && !isWritable));
    assert.ok(map.parts.some(({ isExecutable, isWritable }) => isWritable && !isExecutable));
    for (const { offset, size } of map.parts) assert.ok(offset + size <= bytes.length);
    // Linkers put section headers last.
    assert.ok(map.sectionHeaders > map.parts.reduce((end, part) => Math.max(end, part.offset), 0));
  }
});

test('any first bytes give a map or a coded error', () => {
  const sample = (FILES[0] ?? readFileSync(process.execPath)).subarray(0, 2048);
  const edits = fc.array(fc.tuple(fc.nat(1500), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff)), { maxLength: 12 });
  const outcome = (bytes: Buffer): LoadMap | undefined => {
    try {
      return readLoadMap(bytes);
    } catch (error) {
      assert.ok(isHeraklitError(error, 'ELF_INVALID', 'ELF_LIMIT'), String(error));
      return undefined;
    }
  };
  fc.assert(
    fc.property(edits, fc.nat(2048), (changes, end) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of changes) bytes[at] = value;
      outcome(bytes);
      outcome(bytes.subarray(0, end));
    }),
    { numRuns: 1000 },
  );
  assert.equal(outcome(Buffer.from('#!/bin/sh')), undefined);
});
