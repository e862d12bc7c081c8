import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSecuritySupport, unsupportedPackages } from './security-support.ts';

const text = (lines: string): Uint8Array => Buffer.from(lines);
const NOW = Date.parse('2026-06-12T00:00:00Z') / 1000;

/** Lines of the real lists of 12 and 13. */
const OLD = new Map([
  [
    'security-support-ended.deb12',
    text(
      '# comment\n\nwpewebkit\t2.38.6-1\t\t2023-05-09\thttps://bugs.debian.org/1035794\nphp-horde.*\t0\t2025-03-22\tincompatible with PHP8\nlxd 5.0.2-5+deb12u6 2026-06-13 too complex\nbroken line\n',
    ),
  ],
  [
    'security-support-limited',
    text(
      'binutils        Only suitable for trusted content\nlibsoup2.4      Only supported as a client\ngolang.*        See the release notes\n',
    ),
  ],
]);
const NEW = new Map([
  [
    'security-support.deb13',
    text(
      'binutils   limited  Only suitable for trusted content\nisc-dhcp   non-supported   4.4.3-P1-2       2023-07-05  https://lists.isc.org/\nrust.*   limited  See the release notes\nrust-sequoia-sqv  supported  fully supported\nx unknown y\n',
    ),
  ],
]);
const pkg = (name: string, source = name) => ({ name, version: '1', source: { name: source } });
const told = (files: ReadonlyMap<string, Uint8Array>, major: string, ...packages: readonly ReturnType<typeof pkg>[]) =>
  unsupportedPackages(packages, readSecuritySupport(files, major), NOW).map(({ package: name, support, date }) => [
    name,
    support,
    date,
  ]);

test('lists of either form: ended, ended later, limited, taken out again', () => {
  assert.deepEqual(
    told(
      OLD,
      '12',
      pkg('libwpewebkit', 'wpewebkit'),
      pkg('php-horde-core'),
      pkg('lxd'),
      pkg('libbinutils', 'binutils'),
      pkg('golang-1.19'),
      pkg('bash'),
    ),
    [
      ['libwpewebkit', 'ended', '2023-05-09'],
      ['php-horde-core', 'ended', '2025-03-22'],
      ['libbinutils', 'limited', undefined],
      ['golang-1.19', 'limited', undefined],
    ],
  );
  assert.deepEqual(
    told(NEW, '13', pkg('isc-dhcp-client', 'isc-dhcp'), pkg('sqv', 'rust-sequoia-sqv'), pkg('librust-x', 'rust-x')),
    [
      ['isc-dhcp-client', 'ended', '2023-07-05'],
      ['librust-x', 'limited', undefined],
    ],
  );
});

test('dots of names are dots, and a pattern without end costs no time', () => {
  assert.deepEqual(
    told(OLD, '12', pkg('libsoup2x4'), pkg('libsoup2.4')).map(([name]) => name),
    ['libsoup2.4'],
  );
  const hostile = new Map([['security-support.deb13', text(`${'a.*'.repeat(40)}b limited x\n`)]]);
  assert.deepEqual(told(hostile, '13', pkg(`a${'a'.repeat(20_000)}c`)), []);
  assert.deepEqual(readSecuritySupport(new Map([['security-support.deb13', new Uint8Array(2_000_000)]]), '13'), []);
  assert.deepEqual(readSecuritySupport(new Map(), '13'), []);
});
