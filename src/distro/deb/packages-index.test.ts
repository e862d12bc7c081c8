import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INDEX_FIELDS } from './fields.ts';
import { packageRows, packagesOfLines, readPackagesIndex, rowToLine } from './packages-index.ts';

const ORIGIN = { id: 'debian/trixie/main/amd64', security: false };
const MUST = `Package: a\nVersion: 1\nArchitecture: all\nFilename: pool/a.deb\nSHA256: ${'a'.repeat(64)}\n`;
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the compact form of a cache gives the same packages', () => {
  const value = fc.constantFrom(
    'a (= 1)',
    'x | y',
    'yes',
    '12',
    'same',
    '',
    'with\ttab',
    'folded,\n more',
    '-5',
    '1e3',
    'ä',
  );
  const fields = fc.dictionary(fc.constantFrom(...INDEX_FIELDS), value);
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 4 }), (stanzas) => {
      const text = stanzas
        .map(
          (fields) =>
            MUST +
            Object.entries(fields)
              .map(([k, v]) => (MUST.includes(`${k}:`) ? '' : `${k}: ${v}\n`))
              .join(''),
        )
        .join('\n');
      const direct = readPackagesIndex(Buffer.from(text), ORIGIN);
      const lines = [...packageRows(Buffer.from(text), 'x')].map(rowToLine);
      assert.equal(direct.length, stanzas.length);
      assert.deepEqual(json(packagesOfLines(lines.join('\n'), ORIGIN)), json(direct));
    }),
  );
});

test('damaged lines of a cache are packages without relations, not a crash', () => {
  const packages = packagesOfLines(`a\nb\tc\n\n${'\t'.repeat(40)}\n`, ORIGIN);
  assert.deepEqual(
    packages.map((one) => [one.name, one.version, one.relations.depends]),
    [
      ['a', '', []],
      ['b', 'c', []],
      ['', '', []],
      ['', '', []],
    ],
  );
});

test('counts that are none are 0', () => {
  const read = (size: string) => readPackagesIndex(Buffer.from(`${MUST}Size: ${size}\n`), ORIGIN)[0]?.size;
  assert.deepEqual(['7', '-7', '1.5', 'x', '', '99999999999999999999'].map(read), [7, 0, 0, 0, 0, 0]);
});
