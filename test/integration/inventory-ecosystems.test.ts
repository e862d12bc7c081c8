import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffImages, inspectImage } from '../../src/inventory/index.ts';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { RPM_DATABASES, RPM_INSTALLED } from '../support/rpm-databases.ts';

const SQLITE = 'usr/lib/sysimage/rpm/rpmdb.sqlite';
const sqlite = RPM_DATABASES[SQLITE].toString('latin1');
const bdb = RPM_DATABASES['var/lib/rpm/Packages'].toString('latin1');
const RHEL = 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Red Hat Enterprise Linux 9.4"\n';

const names = ({ packages }: Awaited<ReturnType<typeof inspectImage>>): readonly string[] =>
  packages.map((one) => `${one.name} ${one.version} ${one.architecture}`);

test('an rpm image: the layer that brought the database brought its packages, links lead to it', async () => {
  const image = memoryImage([
    { 'etc/os-release': RHEL, 'var/lib/rpm': { symlink: '../../usr/lib/sysimage/rpm' } },
    { [SQLITE]: sqlite },
    { 'srv/app': 'x' },
  ]);
  const contents = await inspectImage(image);
  assert.deepEqual(names(contents), RPM_INSTALLED);
  assert.deepEqual(
    [contents.ecosystem, contents.packageDatabase, contents.distribution?.name, contents.architecture],
    ['rpm', 'rpm-sqlite', 'rhel/9', 'x86_64'],
  );
  assert.deepEqual(contents.incomplete, []);
  assert.deepEqual(
    contents.layers.map((layer) => layer.packages.added.length),
    [0, RPM_INSTALLED.length, 0],
  );
});

test('a layer that erases the database takes the packages with it', async () => {
  const contents = await inspectImage(memoryImage([{ [SQLITE]: sqlite }, { 'usr/lib/sysimage/.wh.rpm': '' }]));
  assert.deepEqual([contents.packages.length, contents.packageDatabase], [0, 'none']);
  assert.equal(contents.layers[1]?.packages.removed.length, RPM_INSTALLED.length);
  assert.equal(contents.architecture, 'amd64');
});

test('of two families’ databases the larger counts, and the other is told of', async () => {
  const debian = { 'etc/os-release': OS_RELEASE, 'var/lib/dpkg/status': status(stanza('rpm', '4.18-1')) };
  const contents = await inspectImage(memoryImage([{ ...debian, 'var/lib/rpm/Packages': bdb }]));
  assert.deepEqual([contents.ecosystem, contents.packages.length], ['rpm', RPM_INSTALLED.length]);
  assert.deepEqual(contents.incomplete, [
    {
      path: 'var/lib/dpkg/status',
      reason: 'a second package database (dpkg-status) of 1 packages, which are not counted',
    },
  ]);
});

test('a broken database is incomplete, and the scan goes on', async () => {
  const contents = await inspectImage(memoryImage([{ 'etc/os-release': RHEL, [SQLITE]: sqlite.slice(0, 9000) }]));
  assert.equal(contents.distribution?.name, 'rhel/9');
  assert.ok(contents.incomplete.some(({ path }) => path === SQLITE));
});

test('images of two formats have nothing to compare: all went, all came', async () => {
  const one = await inspectImage(memoryImage([{ 'var/lib/dpkg/status': status(stanza('bash', '5')) }]));
  const two = await inspectImage(memoryImage([{ [SQLITE]: sqlite }]));
  const { packages } = diffImages(one, two);
  assert.deepEqual([packages.added.length, packages.removed.length, packages.upgraded.length], [7, 1, 0]);
});
