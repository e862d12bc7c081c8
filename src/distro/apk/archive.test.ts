import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { apkSigner, buildApk } from '../testing/apk-packages.ts';
import { openApk } from './archive.ts';
import { readApkKeyring } from './keyring.ts';

const KEY = 'test@example.com-1.rsa.pub';
const fixture = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/apk/${name}`, import.meta.url));
const REAL = fixture('hello-1.0-r0.apk');
const real = readApkKeyring('real', [{ name: KEY, content: fixture(KEY).toString() }]);

const signer = apkSigner();
const keyring = readApkKeyring('test', [signer]);
const built = buildApk(
  {
    name: 'hello',
    version: '1.0-r0',
    depends: ['libhello>=1', 'musl'],
    files: { 'usr/bin/hello': '#!/bin/sh\n', 'etc/hello.conf': 'hi\n' },
    scripts: { 'post-install': '#!/bin/sh\nexit 0\n' },
  },
  signer,
);
const invalid = { code: 'DISTRO_PACKAGE_INVALID' };

test('a package of version 2', async () => {
  const apk = openApk(built.bytes, { keyring });
  assert.equal(apk.format, 'v2');
  assert.equal(apk.signedBy, signer.name);
  assert.equal(apk.info.depends, 'libhello>=1 musl');
  assert.equal(apk.info.installedSize, 13);
  assert.equal(apk.identity, Buffer.from(built.identity.slice(2), 'base64').toString('hex'));
  assert.equal(apk.scripts.get('post-install')?.toString(), '#!/bin/sh\nexit 0\n');
  assert.deepEqual(
    [...(await apk.files())].flatMap(({ path, type, content }) =>
      type === 'file' ? [[path, content.toString()]] : [],
    ),
    [
      ['usr/bin/hello', '#!/bin/sh\n'],
      ['etc/hello.conf', 'hi\n'],
    ],
  );
});

test('a package of version 3 that apk itself made', async () => {
  const apk = openApk(REAL, { keyring: real });
  assert.equal(apk.format, 'v3');
  assert.equal(apk.info.license, 'MIT');
  assert.equal(apk.info.buildTime, 1_700_000_000);
  assert.deepEqual(
    [...(await apk.files())].map(({ path, type, mode, linkName, size }) => [
      path,
      type,
      mode.toString(8),
      linkName ?? size,
    ]),
    [
      ['etc', 'directory', '755', 0],
      ['etc/hello.conf', 'file', '644', 3],
      ['usr', 'directory', '755', 0],
      ['usr/bin', 'directory', '755', 0],
      ['usr/bin/hallo', 'symlink', '777', 'hello'],
      ['usr/bin/hello', 'file', '755', 18],
    ],
  );
});

test('the identity that an index names vouches for it', () => {
  const { identity } = openApk(REAL);
  assert.equal(openApk(REAL, { identity }).identity, identity);
  assert.equal(openApk(REAL, { identity: identity.slice(0, 40) }).identity, identity);
  assert.throws(() => openApk(REAL, { identity: identity.slice(0, 8) }), invalid);
  assert.throws(() => openApk(built.bytes, { identity }), invalid);
});

test('unsigned, or signed by another', () => {
  const unsigned = buildApk({ name: 'a', version: '1' });
  assert.equal(openApk(unsigned.bytes).signedBy, '');
  assert.throws(() => openApk(unsigned.bytes, { keyring }), { code: 'DISTRO_INDEX_UNSIGNED' });
  assert.throws(() => openApk(REAL, { keyring }), { code: 'DISTRO_INDEX_UNSIGNED' });
});

test('files that were exchanged under a good signature', async () => {
  const other = buildApk({ name: 'hello', version: '1.0-r0', files: { 'usr/bin/hello': 'evil' } });
  const otherData = other.bytes.subarray(openRest(other.bytes));
  const apk = openApk(Buffer.concat([built.bytes.subarray(0, openRest(built.bytes)), otherData]), { keyring });
  await assert.rejects(apk.files(), invalid);
  const changed = Buffer.from(REAL);
  // Compressed: any change of the contents is one of the stream.
  changed[changed.length - 4] = (changed[changed.length - 4] ?? 0) ^ 1;
  await assert.rejects(async () => await openApk(changed).files(), isHeraklitError);
});

/** Where the last gzip stream begins. */
const openRest = (bytes: Buffer): number => bytes.lastIndexOf(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));

test('what is no package', () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('!<arch>\n'),
    built.bytes.subarray(0, 100),
    fixture('Packages.none.adb'),
  ]) {
    assert.throws(() => openApk(bytes), invalid);
  }
});

test('any damage is found or changes nothing that counts', async () => {
  const sample = fc.constantFrom([built.bytes, keyring] as const, [REAL, real] as const);
  await fc.assert(
    fc.asyncProperty(sample, fc.nat(), fc.integer({ min: 1, max: 255 }), async ([whole, ring], at, change) => {
      const bytes = Buffer.from(whole);
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ change;
      try {
        const apk = openApk(bytes, { keyring: ring });
        return [...(await apk.files())].length > 1 && apk.info.name === 'hello';
      } catch (error) {
        return isHeraklitError(error);
      }
    }),
    { numRuns: 500 },
  );
});
