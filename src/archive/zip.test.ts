import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { bufferSource, fileSource } from './byte-source.ts';
import { buildZip, type ZipPart } from './testing/index.ts';
import { readZipDirectory } from './zip-directory.ts';
import { readZipEntry, storedZipEntry } from './zip-entry.ts';

const LIMIT = 1024 * 1024;

/** name → content of all entries, or code of the error. */
function contentsOf(bytes: Buffer, limit = LIMIT): Record<string, string> | string {
  try {
    const source = bufferSource(bytes);
    return Object.fromEntries(
      readZipDirectory(source, { entries: 1000 }).map((entry) => [
        entry.name,
        readZipEntry(source, entry, limit).toString(),
      ]),
    );
  } catch (error) {
    assert.ok(isHeraklitError(error, 'ARCHIVE_CORRUPT', 'ARCHIVE_LIMIT', 'ARCHIVE_UNSUPPORTED'), String(error));
    return error.code;
  }
}

const PARTS: readonly ZipPart[] = [
  { name: 'META-INF/', content: '', method: 0 },
  { name: 'a.txt', content: 'stored', method: 0 },
  { name: 'ünïcode/b.txt', content: 'deflated '.repeat(1000) },
];
const EXPECTED = { 'META-INF/': '', 'a.txt': 'stored', 'ünïcode/b.txt': 'deflated '.repeat(1000) };

test('stored and deflated entries, behind a script, with a comment, in 64-bit form', () => {
  const prefix = Buffer.from('#!/bin/sh\nexec java -jar "$0" "$@"\n');
  const comment = 'x'.repeat(1000);
  for (const is64 of [false, true]) {
    assert.deepEqual(contentsOf(buildZip(PARTS, { is64 })), EXPECTED);
    assert.deepEqual(contentsOf(buildZip(PARTS, { is64, prefix })), EXPECTED);
    assert.deepEqual(contentsOf(buildZip(PARTS, { is64, prefix, comment })), EXPECTED);
  }
  assert.deepEqual(contentsOf(buildZip([])), {});
});

test('from a file, and an archive inside an archive without a copy of it', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'heraklit-zip-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const inner = buildZip(PARTS);
  const outer = buildZip([
    { name: 'stored.jar', content: inner, method: 0 },
    { name: 'packed.jar', content: inner },
  ]);
  writeFileSync(join(folder, 'a.zip'), outer);
  const file = openSync(join(folder, 'a.zip'), 'r');
  const source = fileSource(file, outer.length);
  const [stored, packed] = readZipDirectory(source);
  assert.ok(stored !== undefined && packed !== undefined);
  const within = storedZipEntry(source, stored);
  assert.ok(within !== undefined);
  assert.deepEqual(
    readZipDirectory(within).map((entry) => entry.name),
    Object.keys(EXPECTED),
  );
  assert.equal(storedZipEntry(source, packed), undefined);
  // The file is shorter than was said.
  const cut = fileSource(file, outer.length + 100);
  assert.throws(() => cut.read(outer.length - 10, 100), { code: 'ARCHIVE_CORRUPT' });
  assert.throws(() => within.read(inner.length - 1, 2), { code: 'ARCHIVE_CORRUPT' });
});

test('entries that lie about themselves', () => {
  const lie = (claims: ZipPart['claims'], limit?: number): unknown =>
    contentsOf(
      buildZip([{ name: 'a', content: 'x'.repeat(100_000), ...(claims === undefined ? {} : { claims }) }]),
      limit,
    );
  assert.equal(lie({ bytes: 10 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ bytes: 200_000 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ bytes: 0xfffffff0 }), 'ARCHIVE_LIMIT');
  assert.equal(lie({ packedBytes: 5 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ packedBytes: 0xfffffff0 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ crc32: 1 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ offset: 7 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie({ offset: 0xfffffff0 }), 'ARCHIVE_CORRUPT');
  assert.equal(lie(undefined, 1000), 'ARCHIVE_LIMIT');
  assert.equal(contentsOf(buildZip([{ name: 'a', content: 'x', method: 99 }])), 'ARCHIVE_UNSUPPORTED');
  assert.equal(contentsOf(buildZip([{ name: 'a', content: 'x', flags: 1 }])), 'ARCHIVE_UNSUPPORTED');
});

test('directories that are cut, elsewhere, or too large', () => {
  const whole = buildZip(PARTS);
  assert.equal(contentsOf(Buffer.from('PK')), 'ARCHIVE_CORRUPT');
  assert.equal(contentsOf(whole.subarray(0, -30)), 'ARCHIVE_CORRUPT');
  assert.equal(contentsOf(whole.subarray(60)), 'ARCHIVE_CORRUPT');
  const far = Buffer.from(whole);
  far.writeUInt32LE(0xfffffff0, whole.length - 6);
  assert.equal(contentsOf(far), 'ARCHIVE_CORRUPT');
  const many = Array.from({ length: 1001 }, (_, at) => ({ name: `${at}`, content: '', method: 0 }));
  assert.equal(contentsOf(buildZip(many)), 'ARCHIVE_LIMIT');
  assert.throws(() => readZipDirectory(bufferSource(whole), { directoryBytes: 10 }), { code: 'ARCHIVE_LIMIT' });
  const lost = buildZip(PARTS, { is64: true });
  lost.fill(0, lost.length - 22 - 20 - 56, lost.length - 22 - 20);
  assert.equal(contentsOf(lost), 'ARCHIVE_CORRUPT');
});

test('any damage gives entries or a coded error', () => {
  const whole = [buildZip(PARTS), buildZip(PARTS, { is64: true })];
  const edits = fc.array(fc.tuple(fc.nat(1000), fc.constantFrom(0, 1, 0x50, 0x7f, 0x80, 0xff)), { maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...whole), edits, fc.nat(1000), fc.boolean(), (bytes, changes, end, isCut) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of changes) damaged[at % damaged.length] = value;
      contentsOf(isCut ? damaged.subarray(0, end % damaged.length) : damaged);
    }),
    { numRuns: 2000 },
  );
});
