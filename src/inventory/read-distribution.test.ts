import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDebianVersion, parseOsRelease } from './read-distribution.ts';

test('os-release of releases people run', () => {
  const name = (...lines: string[]) => parseOsRelease(lines.join('\n'))?.name;
  assert.equal(name('ID=debian', 'VERSION_ID="11"', 'VERSION_CODENAME=bullseye'), 'debian/bullseye');
  assert.equal(name('ID=debian', 'VERSION_CODENAME=forky'), 'debian/forky');
  assert.equal(name('ID="debian"', "VERSION_ID='12'"), 'debian/bookworm');
  assert.equal(name('ID=debian', 'VERSION_ID=77', 'VERSION="77 (zurg)"'), 'debian/zurg');
  assert.equal(name('ID=ubuntu', 'VERSION_ID="24.04"', 'VERSION_CODENAME=noble'), 'ubuntu/noble');
  assert.equal(name('ID=alpine', 'VERSION_ID=3.22.1'), 'alpine/3.22.1');
  assert.equal(name('ID="opensuse-leap"', 'VERSION_ID="15.6"'), 'opensuse-leap/15.6');
  assert.equal(name('ID=arch'), 'arch/rolling');
  assert.equal(name('NAME=x'), undefined);
  assert.equal(name('ID=../../etc'), undefined);
  assert.equal(name('ID=debian', 'VERSION_ID=../x'), 'debian/rolling');
});

test('debian_version where there is no os-release', () => {
  assert.equal(parseDebianVersion('12.5\n')?.name, 'debian/bookworm');
  assert.equal(parseDebianVersion('forky/sid')?.name, 'debian/forky');
  assert.equal(parseDebianVersion('99.1'), undefined);
  assert.equal(parseDebianVersion(''), undefined);
});

test('any text gives a safe name or none', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (id, version) => {
      const found = parseOsRelease(`ID=${id}\nVERSION_ID=${version}`);
      assert.ok(found === undefined || /^[a-z0-9][a-z0-9._-]*\/[a-z0-9][a-z0-9._-]*$/.test(found.name));
    }),
  );
});
