import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_VALUES, RpmHeader, TAG } from './header.ts';
import { installedRpm } from './package.ts';

const TYPE = { int16: 3, int32: 4, string: 6, binary: 7, strings: 8 } as const;

type Value = readonly [tag: number, type: keyof typeof TYPE, values: readonly (string | number)[]];

/** A header as rpm writes it, without regions. @param lie changes an entry's count */
function header(values: readonly Value[], lie: (tag: number, count: number) => number = (_, count) => count): Buffer {
  const parts: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [tag, type, all] of values) {
    const bytes = Buffer.concat(
      all.map((value) => {
        if (typeof value === 'string') return Buffer.from(type === 'binary' ? value : `${value}\0`);
        const number = Buffer.alloc(type === 'int16' ? 2 : 4);
        number.writeUIntBE(value, 0, number.length);
        return number;
      }),
    );
    const entry = Buffer.alloc(16);
    const count = type === 'binary' ? bytes.length : all.length;
    [tag, TYPE[type], at, lie(tag, count)].forEach((field, index) => void entry.writeUInt32BE(field, index * 4));
    entries.push(entry);
    parts.push(bytes);
    at += bytes.length;
  }
  const head = Buffer.alloc(8);
  head.writeUInt32BE(entries.length, 0);
  head.writeUInt32BE(at, 4);
  return Buffer.concat([head, ...entries, ...parts]);
}

const MINIMAL: readonly Value[] = [
  [TAG.name, 'string', ['a']],
  [TAG.version, 'string', ['1']],
  [TAG.release, 'string', ['2']],
  [TAG.arch, 'string', ['noarch']],
];

test('values come back by type; what is not there, or of another type, is missing', () => {
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 9 }).filter((one) => !one.includes('\0'));
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 9 }),
      fc.array(fc.nat(65_535), { minLength: 1 }),
      (texts, numbers) => {
        const parsed = RpmHeader.parse(
          header([
            [TAG.provideName, 'strings', texts],
            [TAG.fileModes, 'int16', numbers],
            [TAG.fileFlags, 'int32', numbers],
            [TAG.sigMd5, 'binary', ['abc']],
          ]),
        );
        assert.deepEqual(parsed.strings(TAG.provideName), texts);
        assert.deepEqual([parsed.numbers(TAG.fileModes), parsed.numbers(TAG.fileFlags)], [numbers, numbers]);
        assert.equal(parsed.binary(TAG.sigMd5)?.toString(), 'abc');
        assert.deepEqual(
          [
            parsed.string(TAG.name),
            parsed.number(TAG.provideName),
            parsed.strings(TAG.fileFlags),
            parsed.binary(TAG.fileFlags),
          ],
          [undefined, undefined, [], undefined],
        );
      },
    ),
  );
});

test('a package has name, version and release; an epoch of 0 is not written', () => {
  const one = installedRpm(RpmHeader.parse(header([...MINIMAL, [TAG.epoch, 'int32', [0]]])));
  assert.deepEqual([one.name, one.version, one.architecture], ['a', '1-2', 'noarch']);
  const two = installedRpm(
    RpmHeader.parse(header([...MINIMAL, [TAG.epoch, 'int32', [7]], [TAG.modularityLabel, 'string', ['m:1.10:2:c']]])),
  );
  assert.deepEqual([two.version, two.module], ['7:1-2', 'm:1.10']);
  for (const missing of [TAG.name, TAG.version, TAG.release]) {
    const rest = MINIMAL.filter(([tag]) => tag !== missing);
    assert.throws(() => installedRpm(RpmHeader.parse(header(rest))), /has no/);
  }
});

test('counts that lie cost the value, never the memory', () => {
  const zeros: Value = [TAG.provideName, 'strings', Array.from({ length: 3 }, () => '')];
  for (const count of [4, 1000, MAX_VALUES + 1, 0xffffffff]) {
    const parsed = RpmHeader.parse(
      header([...MINIMAL, zeros], (tag, real) => (tag === TAG.provideName ? count : real)),
    );
    assert.deepEqual(parsed.strings(TAG.provideName), []);
  }
  const large = header([...MINIMAL, [TAG.provideName, 'strings', ['\0'.repeat(MAX_VALUES + 10)]]], (tag, real) =>
    tag === TAG.provideName ? MAX_VALUES + 1 : real,
  );
  assert.deepEqual(RpmHeader.parse(large).strings(TAG.provideName), []);
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(64, 255), header(MINIMAL).subarray(0, 40)]) {
    assert.throws(() => RpmHeader.parse(bytes), /header/);
  }
});
