import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { readPackagesIndex } from './packages-index.ts';
import { readStatus } from './status.ts';

const STATUS = `Package: base-files
Essential: yes
Status: install ok installed
Section: admin
Installed-Size: 341
Maintainer: Santiago
Architecture: amd64
Multi-Arch: foreign
Version: 12.4+deb12u10
Pre-Depends: awk
Conffiles:
 /etc/issue 7b5ee8ce5f5ff3f2d8a1a2bf3a2c9f8e
 /etc/with space 00000000000000000000000000000000 obsolete
 /etc/new newconffile
Homepage: https://example.org

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: held
Status: hold ok unpacked
Architecture: all
Source: src (2:3)
Version: 4

Package: nonsense
Status: install ok exploded
Architecture: all
Version: 4

broken

Package: libx
Status: install reinstreq installed
Architecture: i386
Version: 1

Package: libx
Status: install ok installed
Architecture: amd64
Version: 1
`;

test('installed, held, half-done, removed and broken packages', () => {
  const { packages, incomplete, problems, stanza } = readStatus(Buffer.from(STATUS));
  assert.deepEqual(
    packages.map((p) => `${p.name}:${p.architecture}`),
    ['base-files:amd64', 'held:all', 'libx:i386', 'libx:amd64'],
  );
  const [base, held] = packages;
  assert.equal(base?.essential, true);
  assert.equal(base?.installedSize, 341);
  assert.equal(base?.multiArch, 'foreign');
  assert.deepEqual(base?.relations.preDepends, [[{ name: 'awk' }]]);
  assert.deepEqual([...(base?.conffiles.keys() ?? [])], ['/etc/issue', '/etc/with space', '/etc/new']);
  assert.deepEqual([held?.hold, held?.configured, held?.source], [true, false, { name: 'src', version: '2:3' }]);
  assert.deepEqual(
    incomplete.map((p) => [p.name, p.state, p.reinstall]),
    [
      ['held', 'unpacked', false],
      ['libx', 'installed', true],
    ],
  );
  assert.equal(problems.length, 2);
  assert.equal(stanza('libx', 'amd64')?.get('Status'), 'install ok installed');
  assert.equal(stanza('gone')?.get('Version'), '1');
  assert.equal(stanza('absent'), undefined);
});

test('status.d of a distroless image: one file a package, no Status field', () => {
  const part = (name: string): Buffer => Buffer.from(`Package: ${name}\nVersion: 1\nArchitecture: all\n`);
  assert.deepEqual(
    readStatus([part('a'), part('b')]).packages.map((p) => [p.name, p.configured]),
    [
      ['a', true],
      ['b', true],
    ],
  );
});

test('strict mode refuses a broken database', () => {
  assert.throws(
    () => readStatus(Buffer.from(STATUS), { strict: true }),
    (error) => isHeraklitError(error, 'DISTRO_CONTROL_INVALID'),
  );
});

test('a Packages index: every field, case and folding, unfetchable stanzas reported', () => {
  const sha = 'a'.repeat(64);
  const good = `package: a\nVersion: 1\nArchitecture: amd64\nSource: s (2)\nEssential: yes\nPriority: required\nSection: libs
Multi-Arch: same\nInstalled-Size: 12\nDepends: x,\n y | z\nProvides: v (= 1)\nFilename: pool/a.deb\nSize: 9\nSHA256: ${sha}\nSize-Hint: 3\n`;
  const messages: string[] = [];
  const bad = [
    good.replace(sha, 'b'),
    good.replace('pool/', '../'),
    good.replace('package: a\n', ''),
    good.replace('pool/', '/'),
  ];
  const origin = { id: 'debian/trixie/main/amd64', security: true };
  const text = [good, ...bad].join('\n');
  const packages = readPackagesIndex(Buffer.from(text), origin, (problem) => messages.push(problem.message));
  assert.equal(messages.length, bad.length);
  assert.deepEqual(JSON.parse(JSON.stringify(packages)), [
    {
      name: 'a',
      version: '1',
      architecture: 'amd64',
      source: { name: 's', version: '2' },
      repository: origin.id,
      security: true,
      essential: true,
      priority: 'required',
      section: 'libs',
      multiArch: 'same',
      relations: {
        depends: [[{ name: 'x' }], [{ name: 'y' }, { name: 'z' }]],
        preDepends: [],
        recommends: [],
        conflicts: [],
        breaks: [],
        replaces: [],
        provides: [{ name: 'v', operator: '=', version: '1' }],
      },
      filename: 'pool/a.deb',
      size: 9,
      sha256: sha,
      installedSize: 12,
    },
  ]);
});
