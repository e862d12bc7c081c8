import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DistributionFallbacks, readDistribution } from './distribution.ts';
import { parseOsRelease } from './os-release.ts';

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
    ['ID=alpine\nVERSION_ID=3.22.1\n', 'alpine/3.22'],
    ['ID=debian\nVERSION_ID="4"\n', 'debian/4'],
    ['ID=debian\nVERSION_ID=77\nVERSION="77 (zurg)"\n', 'debian/zurg'],
    ['ID=debian\nVERSION_ID="9"\n', 'debian/stretch'],
    ['ID=debian\nVERSION_ID=../x\n', 'debian/rolling'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\nVERSION_CODENAME=wilma\n', 'linuxmint/22'],
    ['ID=../../etc\n', undefined],
    ['NAME=x\n', undefined],
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
    family: 'deb',
  });
});

test('releases of the other families: point releases share their repositories, so they share a name', () => {
  for (const [osRelease, expected, family] of [
    ['ID=fedora\nVERSION_ID=42\n', 'fedora/42', 'rpm'],
    ['ID=fedora\nVERSION_ID=44\nREDHAT_BUGZILLA_PRODUCT_VERSION=rawhide\n', 'fedora/rawhide', 'rpm'],
    ['ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\nVERSION="9.4 (Plow)"\n', 'rhel/9', 'rpm'],
    ['NAME="CentOS Linux"\nID="centos"\nVERSION_ID="8"\n', 'centos/8', 'rpm'],
    ['NAME="CentOS Stream"\nID="centos"\nVERSION_ID="8"\n', 'centos/8-stream', 'rpm'],
    ['NAME="CentOS Stream"\nID="centos"\nVERSION_ID="10"\n', 'centos/10', 'rpm'],
    ['ID="rocky"\nVERSION_ID="9.3"\n', 'rocky/9', 'rpm'],
    ['ID="almalinux"\nVERSION_ID="8.10"\n', 'almalinux/8', 'rpm'],
    ['ID="ol"\nVERSION_ID="8.9"\n', 'ol/8', 'rpm'],
    ['ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n', 'amzn/2023', 'rpm'],
    ['ID="opensuse-leap"\nVERSION_ID="15.6"\n', 'opensuse/15.6', 'rpm'],
    ['ID="opensuse-tumbleweed"\nVERSION_ID="20260101"\n', 'opensuse/tumbleweed', 'rpm'],
    ['ID="sles"\nVERSION_ID="15.6"\n', 'sles/15.6', 'rpm'],
    ['ID=alpine\nVERSION_ID=3.23_alpha20250612\n', 'alpine/edge', 'apk'],
    ['ID=wolfi\nVERSION_ID="20230201"\n', 'wolfi/rolling', 'apk'],
    ['ID=chainguard\nVERSION_ID="20230214"\n', 'chainguard/rolling', 'apk'],
    ['ID=arch\nBUILD_ID=rolling\nVERSION_ID=20260101.0.1\n', 'arch/rolling', 'alpm'],
    ['ID=acme\nID_LIKE="rhel fedora"\nVERSION_ID=3\n', 'acme/3', 'rpm'],
    ['ID=openEuler\nVERSION_ID="24.03"\n', 'openeuler/24.03', 'rpm'],
    ['ID=nobody\nVERSION_ID=1\n', 'nobody/1', undefined],
  ] as const) {
    const found = readDistribution(Buffer.from(osRelease));
    assert.deepEqual([found?.name, found?.family], [expected, family], osRelease);
  }
});

test('roots older than os-release, or without it', () => {
  const from = (path: string, content: string) =>
    readDistribution(undefined, { releaseFiles: new Map([[path, Buffer.from(content)]]) })?.name;
  assert.equal(from('etc/alpine-release', '3.18.4\n'), 'alpine/3.18');
  assert.equal(from('etc/redhat-release', 'CentOS release 6.10 (Final)\n'), 'centos/6');
  assert.equal(from('etc/redhat-release', 'Red Hat Enterprise Linux Server release 6.10 (Santiago)\n'), 'rhel/6');
  assert.equal(from('etc/system-release', 'Amazon Linux release 2 (Karoo)\n'), 'amzn/2');
  assert.equal(from('etc/oracle-release', 'Oracle Linux Server release 7.9\n'), 'ol/7');
  assert.equal(from('etc/fedora-release', 'Fedora release 20 (Heisenbug)\n'), 'fedora/20');
  assert.equal(from('etc/arch-release', ''), 'arch/rolling');
  assert.equal(from('etc/SuSE-release', 'openSUSE 13.2 (x86_64)\nVERSION = 13.2\n'), 'opensuse/13.2');
  const sles = 'SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 3\n';
  assert.equal(from('etc/SuSE-release', sles), 'sles/12.3');
  assert.equal(from('etc/redhat-release', 'nonsense'), undefined);
  const having = (name: string, version: string) =>
    readDistribution(undefined, { packages: [{ name, version }] })?.name;
  assert.equal(having('fedora-release-common', '42-26'), 'fedora/42');
  assert.equal(having('rocky-release', '9.4-1.6.el9'), 'rocky/9');
  assert.equal(having('openSUSE-release', '20260101-1.1'), 'opensuse/tumbleweed');
  assert.equal(having('openSUSE-release', '13.2-1.1'), 'opensuse/13.2');
  assert.equal(having('alpine-release', '3.22.1-r0'), 'alpine/3.22');
  assert.equal(having('archlinux-keyring', '20260101-1'), 'arch/rolling');
  assert.equal(having('bash', '5-1'), undefined);
});

test('any text gives a safe name or none', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (id, version, more) => {
      const found = readDistribution(Buffer.from(`ID=${id}\nVERSION_ID=${version}\n${more}`), {
        releaseFiles: new Map([['etc/redhat-release', Buffer.from(`${more} release ${version}`)]]),
      });
      assert.ok(found === undefined || /^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/.test(found.name));
    }),
  );
});
