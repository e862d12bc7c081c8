import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import type { Lock } from './lock-form.ts';
import { lockText, readLockText } from './lock-text.ts';

const awkward = ['', '3.25', '1e5', '1:2', '12:30:45', '0x1f', '0o7', '2026-01-01', 'true', 'No', '~', 'a: b', 'a #b'];
const text = fc.oneof(
  fc.constantFrom(
    ...awkward,
    '"',
    '-',
    '- a',
    '[]',
    '{}',
    '1_000',
    '.5',
    '5.',
    '1.3.dfsg+really1.3.1-1+b1',
    'a:',
    ':a',
  ),
  fc.stringMatching(/^[a-z0-9.+~:_/-]{1,20}$/),
  fc.string({ maxLength: 12 }),
);
const count = fc.maxSafeNat();
const plain = { noNullPrototype: true } as const;
const lock: fc.Arbitrary<Lock> = fc.record(
  {
    apiVersion: fc.constant('heraklit/v1' as const),
    kind: fc.constant('Lock' as const),
    recipe: text,
    distribution: text,
    architecture: text,
    epoch: count,
    repositories: fc.array(fc.record({ id: text, suite: text, date: count, release: text }, plain), { maxLength: 3 }),
    packages: fc.array(
      fc.record(
        {
          ...{ name: text, version: text, architecture: text, source: text },
          ...{ repository: text, filename: text, size: count, sha256: text },
        },
        plain,
      ),
      { maxLength: 3 },
    ),
  },
  plain,
);

test('a lock is written as the YAML library writes it, and read back as it reads it', () => {
  fc.assert(
    fc.property(lock, (value) => {
      const { apiVersion, kind, recipe, distribution, architecture, epoch, repositories, packages } = value;
      const ordered = { apiVersion, kind, recipe, distribution, architecture, epoch, repositories, packages };
      const written = lockText(value);
      assert.deepEqual(parse(written), value);
      assert.equal(written, stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false }));
      const read = readLockText(written);
      if (read !== undefined) assert.deepEqual({ ...(read as object) }, parse(written));
    }),
    { numRuns: 300 },
  );
});

test('what another hand wrote is left to the YAML library, or means the same', () => {
  const head = 'apiVersion: heraklit/v1\n';
  assert.equal(readLockText(head), undefined);
  const others = [
    'a:\n  b: c\n',
    'a: b\na: c\n',
    'packages:\n- name: x\n',
    'a: &x b\n',
    "a: 'b'\n",
    'a: |\n  b\n',
    'a: b # c\n',
  ];
  for (const other of others) assert.equal(readLockText(head + other), undefined, other);
  fc.assert(
    fc.property(lock, fc.nat(), fc.constantFrom('', ' ', '#', '"', 'x', '\n', ': ', '- '), (value, at, noise) => {
      const written = lockText(value);
      const position = at % (written.length + 1);
      const changed = written.slice(0, position) + noise + written.slice(position + 1);
      const read = readLockText(changed);
      if (read !== undefined) assert.deepEqual({ ...read }, parse(changed));
    }),
    { numRuns: 300 },
  );
});
