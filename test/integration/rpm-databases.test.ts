import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type InstalledDatabase, rpmEcosystem } from '../../src/distro/index.ts';
import { RPM_DATABASES, RPM_INSTALLED } from '../support/rpm-databases.ts';

const read = (path: string, bytes: Uint8Array, more: readonly (readonly [string, Uint8Array])[] = []) =>
  rpmEcosystem.readDatabase(new Map([[path, bytes], ...more]));

const names = ({ packages }: InstalledDatabase): readonly string[] =>
  packages.map((one) => `${one.name} ${one.version} ${one.architecture}`).sort();

const FORMATS = Object.entries(RPM_DATABASES);

test('the three formats hold the same packages', () => {
  for (const [path, bytes] of FORMATS) {
    const found = read(path, bytes);
    assert.deepEqual(names(found), RPM_INSTALLED, path);
    assert.deepEqual(found.problems, [], path);
  }
});

test('a package says what its header says', () => {
  for (const [path, bytes] of FORMATS) {
    const { packages } = read(path, bytes);
    const openssl = packages.find(({ name }) => name === 'openssl');
    const bash = packages.find(({ name }) => name === 'bash');
    assert.ok(openssl !== undefined && bash !== undefined);
    assert.deepEqual(openssl.source, { name: 'openssl', version: '3.0.7-24.el9' });
    assert.deepEqual(openssl.relations.depends, [
      [{ name: '(glibc >= 2.34 or musl)' }],
      [{ name: 'bash', operator: '>=', version: '5' }],
      [{ name: 'config(openssl)', operator: '=', version: '1:3.0.7-24.el9' }],
    ]);
    assert.deepEqual([...openssl.conffiles.keys()], ['/etc/openssl.cnf']);
    assert.deepEqual(
      [openssl.maintainer, openssl.homepage, openssl.section],
      ['Example', 'https://example.org/', 'Tests'],
    );
    assert.deepEqual(bash.relations.replaces, [[{ name: 'bash2', operator: '<<', version: '3' }]]);
    assert.ok(bash.relations.provides.some(({ name, version }) => name === 'sh' && version === '5'));
    assert.ok(bash.relations.provides.some(({ name }) => name === '/usr/bin/bash'));
    assert.equal(openssl.installedSize, 1);
  }
});

/** What a hostile or broken file may do: cost packages, and be told of; never throw, never invent. */
const holds = (found: InstalledDatabase): void => {
  assert.ok(found.packages.length <= RPM_INSTALLED.length);
  assert.ok(found.problems.length <= 21);
  for (const one of found.packages) {
    assert.ok(one.name !== '' && one.version !== '');
    void [one.relations.depends, one.relations.provides, one.conffiles, one.installedSize, one.homepage];
  }
};

test('databases cut off anywhere cost packages and say so', () => {
  for (const [path, bytes] of FORMATS) {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (size) => {
        const found = read(path, bytes.subarray(0, size));
        holds(found);
        assert.ok(found.problems.length > 0 || names(found).length === RPM_INSTALLED.length, `${path} at ${size}`);
      }),
      { numRuns: 150 },
    );
  }
});

test('databases with flipped bits and overwritten numbers are read or refused', () => {
  for (const [path, bytes] of FORMATS) {
    const change = fc.record({ at: fc.nat(bytes.length - 5), value: fc.nat(0xffffffff), wide: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const broken = Buffer.from(bytes);
        for (const { at, value, wide } of changes) {
          if (wide) broken.writeUInt32LE(value, at);
          else broken[at] = (broken[at] as number) ^ (1 << (value & 7));
        }
        const found = read(path, broken);
        for (const one of found.packages) void [one.relations.depends, one.conffiles, one.installedSize];
        assert.ok(found.problems.length <= 21);
      }),
      { numRuns: 300 },
    );
  }
});

test('the first format with packages counts; an empty or foreign file is told of', () => {
  const both = rpmEcosystem.readDatabase(new Map(FORMATS));
  assert.equal(both.kind, 'rpm-sqlite');
  assert.equal(both.packages.length, RPM_INSTALLED.length);
  const empty = rpmEcosystem.readDatabase(
    new Map<string, Uint8Array>([...FORMATS.slice(1), [FORMATS[0]?.[0] ?? '', new Uint8Array()]]),
  );
  assert.equal(empty.kind, 'rpm-ndb');
  assert.equal(empty.problems.length, 1);
  for (const [path] of FORMATS) {
    const found = read(path, Buffer.alloc(8192, 7));
    assert.deepEqual([found.packages.length, found.problems.length], [0, 1]);
  }
});
