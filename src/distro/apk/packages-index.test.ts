import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { apkSigner, buildApk, buildApkIndex } from '../testing/apk-packages.ts';
import { readApkKeyring } from './keyring.ts';
import { openApkIndex } from './packages-index.ts';

const KEY = 'test@example.com-1.rsa.pub';
const fixture = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/apk/${name}`, import.meta.url));
const ORIGIN = { id: 'alpine/3.22/main/x86_64', security: false, architecture: 'x86_64', folder: 'v3.22/main' };
const what = 'the index';

const signer = apkSigner();
const keyring = readApkKeyring('test', [signer]);
const packages = [
  buildApk({
    name: 'libssl3',
    version: '3.5.1-r0',
    origin: 'openssl',
    provides: ['so:libssl.so.3=3'],
    buildTime: 1_720_000_000,
  }),
  buildApk({ name: 'tzdata', version: '2025b-r0', depends: ['so:libssl.so.3', '!old'] }),
];

test('a signed index of version 2, in each scheme', async () => {
  for (const scheme of ['RSA', 'RSA256', 'RSA512'] as const) {
    const index = await openApkIndex(buildApkIndex(packages, signer, scheme), ORIGIN, { keyring, what });
    assert.equal(index.signedBy, signer.name);
    assert.equal(index.description, 'v3.22.1-7-gabcdef0');
    assert.equal(index.date, 1_720_000_000);
    assert.deepEqual(index.problems, []);
    const [library, zones] = index.packages;
    assert.equal(library?.filename, 'v3.22/main/x86_64/libssl3-3.5.1-r0.apk');
    assert.equal(library?.source.name, 'openssl');
    assert.equal(library?.built, 1_720_000_000);
    assert.equal(library?.size, packages[0]?.bytes.length);
    assert.equal(library?.identity, Buffer.from(packages[0]?.identity.slice(2) ?? '', 'base64').toString('hex'));
    assert.deepEqual(zones?.relations.depends, [[{ name: 'so:libssl.so.3' }]]);
  }
});

test('an index of version 3 that apk itself made and signed', async () => {
  const real = readApkKeyring('real', [{ name: KEY, content: fixture(KEY).toString() }]);
  for (const name of ['none', 'deflate', 'zstd']) {
    const index = await openApkIndex(fixture(`Packages.${name}.adb`), ORIGIN, { keyring: real, what });
    assert.equal(index.signedBy, KEY);
    assert.deepEqual(
      index.packages.map((one) => `${one.name} ${one.version} ${one.architecture} ${one.filename}`),
      [
        'hello 1.0-r0 x86_64 v3.22/main/x86_64/hello-1.0-r0.apk',
        'hello 1.1_rc1-r0 x86_64 v3.22/main/x86_64/hello-1.1_rc1-r0.apk',
        'libhello 1.0-r0 noarch v3.22/main/x86_64/libhello-1.0-r0.apk',
      ],
    );
  }
});

test('keys of elliptic curves, found by their content and not by their name', async () => {
  const curve = readApkKeyring('curve', [{ name: 'whatever.pem', content: fixture('ec.pub').toString() }]);
  const index = await openApkIndex(fixture('Packages.ec.adb'), ORIGIN, { keyring: curve, what });
  assert.equal(index.signedBy, 'whatever.pem');
  assert.equal(index.packages.length, 3);
  const changed = fixture('Packages.ec.adb');
  changed.write('2', changed.indexOf('1.1_rc1'));
  await assert.rejects(openApkIndex(changed, ORIGIN, { keyring: curve, what }), refused);
});

const refused = { code: 'DISTRO_INDEX_UNSIGNED' };

test('no signature, an unknown key, a wrong signature', async () => {
  const unsigned = buildApkIndex(packages);
  await assert.rejects(openApkIndex(unsigned, ORIGIN, { keyring, what }), refused);
  assert.equal((await openApkIndex(unsigned, ORIGIN, { keyring: undefined, what })).packages.length, 2);
  const other = readApkKeyring('other', [apkSigner('other.rsa.pub')]);
  const signed = buildApkIndex(packages, signer);
  await assert.rejects(openApkIndex(signed, ORIGIN, { keyring: other, what }), refused);
  // The same name with another key: what a stolen name looks like.
  await assert.rejects(
    openApkIndex(signed, ORIGIN, { keyring: readApkKeyring('x', [apkSigner(signer.name)]), what }),
    refused,
  );
  const tampered = Buffer.concat([signed, gzipSync('P:evil\nV:9\n\n')]);
  await assert.rejects(openApkIndex(tampered, ORIGIN, { keyring, what }), refused);
  const adb = fixture('Packages.none.adb');
  await assert.rejects(openApkIndex(adb, ORIGIN, { keyring, what }), refused);
  const real = readApkKeyring('real', [{ name: KEY, content: fixture(KEY).toString() }]);
  const changed = Buffer.from(adb);
  changed.write('2', adb.indexOf('1.1_rc1'));
  await assert.rejects(openApkIndex(changed, ORIGIN, { keyring: real, what }), refused);
});

test('a second signature by a known key is enough', async () => {
  const index = buildApkIndex(packages, signer);
  const foreign = apkSigner('foreign.rsa.pub');
  const plain = buildApkIndex(packages);
  const both = Buffer.concat([buildApkIndex(packages, foreign).subarray(0, -plain.length), index]);
  assert.equal((await openApkIndex(both, ORIGIN, { keyring, what })).signedBy, signer.name);
});

test('what is no index', async () => {
  const invalid = { code: 'DISTRO_INDEX_INVALID' };
  const options = { keyring: undefined, what };
  await assert.rejects(openApkIndex(Buffer.from('<html>'), ORIGIN, options), invalid);
  await assert.rejects(openApkIndex(gzipSync('no tar'), ORIGIN, options), invalid);
  await assert.rejects(openApkIndex(packages[0]?.bytes ?? Buffer.alloc(0), ORIGIN, options), invalid);
  const whole = buildApkIndex(packages);
  await assert.rejects(openApkIndex(whole.subarray(0, whole.length / 2), ORIGIN, options), invalid);
});

test('names that lead out of the repository are left out', async () => {
  const bad = buildApk({ name: '../../etc/passwd', version: '1' });
  const worse = buildApk({ name: 'a', version: '1/../../2' });
  // What older releases of Alpine have: no version to apk 3, and a package all the same.
  const old = buildApk({ name: 'sudo', version: '1.9.5p2-r0' });
  const index = buildApkIndex([bad, worse, old, ...packages]);
  const { packages: found, problems } = await openApkIndex(index, ORIGIN, { keyring: undefined, what });
  assert.deepEqual(
    found.map(({ name }) => name),
    ['sudo', 'libssl3', 'tzdata'],
  );
  assert.equal(problems.length, 2);
});

test('a keyring of something else', () => {
  assert.throws(() => readApkKeyring('bad', [{ name: 'a', content: 'no key' }]), { code: 'DISTRO_KEYRING_INVALID' });
  assert.throws(() => readApkKeyring('none', []), { code: 'DISTRO_KEYRING_INVALID' });
});

test('any damage to a signed index is found', async () => {
  const signed = buildApkIndex(packages, signer, 'RSA256');
  await fc.assert(
    fc.asyncProperty(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const bytes = Buffer.from(signed);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      const result = await openApkIndex(bytes, ORIGIN, { keyring, what }).catch((error: unknown) => error);
      // What may change is only what nobody signed: the header of the first gzip stream, and so nothing of the content.
      return isHeraklitError(result) || (result as { packages: unknown[] }).packages.length === 2;
    }),
    { numRuns: 300 },
  );
});
