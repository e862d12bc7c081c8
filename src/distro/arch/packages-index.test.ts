import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { buildArch, buildArchDatabase, descriptionOf, tarOf } from '../testing/arch-packages.ts';
import { openPacmanPackage } from './archive.ts';
import { readPacmanIndex } from './packages-index.ts';

const ORIGIN = { id: 'arch/rolling/core/x86_64', security: false, architecture: 'x86_64', folder: 'core/os/x86_64' };
const packages = [
  buildArch({ name: 'openssl', version: '3.5.1-1', depends: ['glibc>=2.38'], buildTime: 1_720_000_000 }),
  buildArch({ name: 'tzdata', version: '1:2025b-1', arch: 'any', base: 'tz' }),
];
const invalid = { code: 'DISTRO_INDEX_INVALID' };

test('a database in every compression', async () => {
  for (const compress of [gzipSync, zstdCompressSync, (tar: Buffer) => tar]) {
    const index = await readPacmanIndex(buildArchDatabase(packages, compress), ORIGIN);
    assert.deepEqual(index.problems, []);
    assert.equal(index.date, 1_720_000_000);
    const [library, zones] = index.packages;
    assert.equal(library?.filename, 'core/os/x86_64/openssl-3.5.1-1-x86_64.pkg.tar.zst');
    assert.equal(
      library?.sha256,
      createHash('sha256')
        .update(packages[0]?.bytes ?? '')
        .digest('hex'),
    );
    assert.equal(library?.size, packages[0]?.bytes.length);
    assert.deepEqual(library?.relations.depends, [[{ name: 'glibc', operator: '>=', version: '2.38' }]]);
    assert.deepEqual(zones?.source, { name: 'tz', version: '1:2025b-1' });
    assert.equal(zones?.architecture, 'any');
  }
});

test('entries that name nothing to fetch are left out and told', async () => {
  const good = descriptionOf(packages[0] as (typeof packages)[0]);
  const database = gzipSync(
    tarOf({
      'a-1/desc': good.replace(/%SHA256SUM%\n.*\n\n/, ''),
      'b-1/desc': good.replace(/%FILENAME%\n.*\n/, '%FILENAME%\n../evil.pkg.tar.zst\n'),
      'c-1/desc': '',
      'd-1/files': '%FILES%\n',
      'e-1/desc': good,
      'f-1/desc': good.replace(/%ARCH%\n.*\n\n/, ''),
    }),
  );
  const { packages: found, problems } = await readPacmanIndex(database, ORIGIN);
  assert.equal(found.length, 1);
  assert.deepEqual(problems, [
    'a-1/desc: no %SHA256SUM%',
    'b-1/desc: no %FILENAME% in its folder',
    'c-1/desc: no name and version of a package',
    'f-1/desc: no %ARCH%',
  ]);
});

test('what is no database', async () => {
  await assert.rejects(readPacmanIndex(Buffer.from('<html>'.repeat(200)), ORIGIN), invalid);
  await assert.rejects(readPacmanIndex(buildArchDatabase(packages).subarray(0, 100), ORIGIN), invalid);
});

test('a package and its information', async () => {
  const built = buildArch({
    name: 'hello',
    version: '1.0-1',
    provides: ['greeter=1'],
    files: { '.INSTALL': 'post_upgrade() { :; }\n', 'usr/bin/hello': 'hi' },
  });
  const { info, files, script } = await openPacmanPackage(built.bytes);
  assert.equal(info.name, 'hello');
  assert.equal(info.base, 'hello');
  assert.deepEqual(info.provides, ['greeter=1']);
  assert.equal(script?.toString(), 'post_upgrade() { :; }\n');
  assert.deepEqual(
    files.map(({ path }) => path),
    ['usr/bin/hello'],
  );
});

test('what is no package', async () => {
  const wrong = { code: 'DISTRO_PACKAGE_INVALID' };
  await assert.rejects(openPacmanPackage(Buffer.from('no')), wrong);
  await assert.rejects(openPacmanPackage(tarOf({ 'usr/bin/a': '' })), wrong);
  await assert.rejects(openPacmanPackage(tarOf({ '.PKGINFO': 'pkgname = a\n' })), wrong);
});

test('any damage is a coded error or other packages', async () => {
  const plain = buildArchDatabase(packages, (tar) => tar);
  await fc.assert(
    fc.asyncProperty(fc.nat(plain.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
      const bytes = Buffer.from(plain);
      bytes[at] = value;
      try {
        return (await readPacmanIndex(cut ? bytes.subarray(0, at) : bytes, ORIGIN)).packages.length <= 2;
      } catch (error) {
        return isHeraklitError(error);
      }
    }),
    { numRuns: 500 },
  );
});
