import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DistributionFallbacks, parseOsRelease, readDistribution } from './distribution.ts';

const name = (osRelease: string | undefined, fallbacks?: DistributionFallbacks): string | undefined =>
  readDistribution(osRelease === undefined ? undefined : Buffer.from(osRelease), fallbacks)?.name;

test('os-release values: quotes, escapes, comments, nonsense', () => {
  const fields = parseOsRelease(Buffer.from('# c\nA="x \\"y\\" \\$z"\nB=\'\\n\'\nC=plain \nbroken\nD=""\n'));
  assert.deepEqual(Object.fromEntries(fields), { A: 'x "y" $z', B: '\\n', C: 'plain', D: '' });
});

test('Debian releases, testing without a version, distroless, derivatives', () => {
  for (const [osRelease, expected] of [
    ['ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', 'debian/bookworm'],
    ['PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_ID="11"\n', 'debian/bullseye'],
    ['PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\nVERSION_CODENAME=forky\n', 'debian/forky'],
    ['PRETTY_NAME="Debian GNU/Linux forky/sid"\nID=debian\n', 'debian/forky'],
    ['PRETTY_NAME="Distroless"\nNAME="Debian GNU/Linux"\nID="debian"\nVERSION_ID="12"\n', 'debian/bookworm'],
    [
      'ID=linuxmint\nID_LIKE=debian\nVERSION_ID="6"\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm\n',
      'debian/bookworm',
    ],
    ['ID=acme\nID_LIKE="debian"\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n', 'debian/trixie'],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n', 'ubuntu/noble'],
    ['ID=raspbian\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n', 'raspbian/bookworm'],
    ['ID=kali\nID_LIKE=debian\nVERSION_ID="2026.1"\nVERSION_CODENAME=kali-rolling\n', 'kali/kali-rolling'],
    ['ID=alpine\nVERSION_ID=3.22.1\n', 'alpine/3.22.1'],
    ['ID=debian\nVERSION_ID="4"\n', 'debian/4'],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    assert.equal(name(osRelease), expected, osRelease);
  }
});

test('without os-release: debian_version, then the packages', () => {
  assert.equal(name(undefined, { debianVersion: Buffer.from('12.5\n') }), 'debian/bookworm');
  assert.equal(name(undefined, { debianVersion: Buffer.from('trixie/sid\n') }), 'debian/trixie');
  const packages = [
    { name: 'libc6', version: '2.36-9+deb12u13' },
    { name: 'old', version: '1-2+deb11u1' },
  ];
  assert.equal(name(undefined, { packages }), 'debian/bookworm');
  assert.equal(name('ID=acme\nID_LIKE=debian\n', { debianVersion: Buffer.from('13.1\n') }), 'debian/trixie');
  assert.equal(name('ID=alpine\nVERSION_ID=3\n', { packages }), 'alpine/3');
});

test('names and versions are filled in', () => {
  assert.deepEqual(readDistribution(undefined, { debianVersion: Buffer.from('13.7') }), {
    name: 'debian/trixie',
    id: 'debian',
    versionId: '13',
    codename: 'trixie',
    prettyName: 'Debian trixie',
  });
});
