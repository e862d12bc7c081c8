import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { openCosignKey } from './cosign-key.ts';
import { privateKeySigner, readVerifyKeys } from './key.ts';
import { generateKey, readPassphraseFile, readSigner, readTrustedKeys } from './key-files.ts';

/** Made by cosign 2.5 (Debian trixie) with `cosign generate-key-pair`, passphrase "pw"; signs nothing real. */
const COSIGN_KEY = `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJsTktHVjBxa0grZW91ZFQ3SU5wMk1RdE1jOG1oeHZp
bko2TExPQk1kU2FnPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJjU3UyK0NGVXB2QlQ0NlNCR2QxTFVYT1RhVjZBSXBVKyJ9LCJj
aXBoZXJ0ZXh0IjoiZjU3M2M2Y3NsMVc4dzVoL2dGVHVDYUd0SE02WGd1THBUNUR6
cjd2dWlhSnIrbzgxQ01CL2RkaGtUZGRZeEtvQjRNdEJVeC9kUmsvc1RmMEJmbkVw
dEkyUlM3dkRkTzVtazZMWm9RdVFqSzlBZ3NGWkdXMmVuNFYrOXBwRUs4Rk83UHJ3
N3hYenVxRzhrbXdyZVhmRUtCTjlVeDNpNFhzeDZObFBlcURDNmxkclVDTUdaeElI
ZmFDY29aTDJtODhJbmI0blZiMzdhTWlnRHc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
`;
const COSIGN_PUB = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPMCuZekNenEwdWoIr1cgjWGNHBED
klXVrCn5BusC3mhAT+mHiCDb/YG37Y+GJkH4fP60DmHERJC4D2+TuiKZAA==
-----END PUBLIC KEY-----
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const coded = (code: string) => (error: unknown) => isHeraklitError(error, code);

test('a key that cosign made is the one its public key verifies', async () => {
  const signer = await privateKeySigner(COSIGN_KEY, 'cosign.key', 'pw');
  const [trusted] = readVerifyKeys(COSIGN_PUB, 'cosign.pub');
  assert.equal(signer.key.id, trusted?.id);
  const signature = await signer.sign(Buffer.from('hello'));
  assert.equal(trusted?.verify(Buffer.from('hello'), signature), true);
  assert.equal(trusted?.verify(Buffer.from('hullo'), signature), false);
  assert.equal(trusted?.verify(Buffer.from('hello'), Buffer.from('no DER')), false);
  await assert.rejects(() => privateKeySigner(COSIGN_KEY, 'cosign.key', 'no'), coded('ATTESTATION_PASSPHRASE_WRONG'));
});

test('a cosign.key that asks for a terabyte, or is broken, is refused before it costs anything', async () => {
  const armour = (value: object | string): string =>
    `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
  const sealed = (params: object) => ({
    kdf: { name: 'scrypt', params, salt: '' },
    cipher: { name: 'nacl/secretbox', nonce: Buffer.alloc(24).toString('base64') },
    ciphertext: '',
  });
  const broken = [
    armour('{'),
    armour('null'),
    armour({ kdf: { name: 'argon2' } }),
    armour(sealed({ N: 2 ** 40, r: 8, p: 1 })),
    armour(sealed({ N: 65_537, r: 8, p: 1 })),
    armour(sealed({ N: 65_536, r: 8, p: 1_000 })),
    armour({ ...sealed({ N: 2, r: 1, p: 1 }), cipher: { name: 'nacl/secretbox', nonce: 'AAAA' } }),
    '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n!',
  ];
  for (const text of broken) await assert.rejects(() => openCosignKey(text, '', 'k'), coded('ATTESTATION_KEY_INVALID'));
});

test('generated keys are the owner’s alone, open with their passphrase, and are never overwritten', async () => {
  for (const algorithm of ['ecdsa-p256', 'ed25519'] as const) {
    for (const form of ['pem', 'cosign'] as const) {
      const prefix = join(folder, `${algorithm}-${form}`);
      const request = { prefix, algorithm, form, passphrase: 'open sesame' };
      const { privateFile, publicFile, key } = await generateKey(request);
      assert.equal((await stat(privateFile)).mode & 0o777, 0o600);
      const signer = await readSigner(privateFile, 'open sesame');
      assert.equal(signer.key.id, key.id);
      assert.equal((await readTrustedKeys(publicFile))[0]?.algorithm, algorithm);
      await assert.rejects(() => readSigner(privateFile, 'wrong'), coded('ATTESTATION_PASSPHRASE_WRONG'));
      const before = await readFile(privateFile);
      await assert.rejects(() => generateKey(request), coded('ATTESTATION_KEY_EXISTS'));
      assert.deepEqual(await readFile(privateFile), before);
    }
  }
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('.')),
    [],
  );
  await assert.rejects(
    () => readSigner(join(folder, 'ed25519-pem.key'), undefined),
    coded('ATTESTATION_PASSPHRASE_WRONG'),
  );
});

test('keys of other kinds, and files that are none, are refused by name', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  for (const pair of [rsa, p384]) {
    const text = pair.privateKey.export(pem).toString();
    await assert.rejects(() => privateKeySigner(text, 'a.key', undefined), coded('ATTESTATION_KEY_INVALID'));
    const spki = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    assert.throws(() => readVerifyKeys(spki, 'a.pub'), coded('ATTESTATION_KEY_INVALID'));
  }
  await assert.rejects(() => privateKeySigner('no key', 'a.key', undefined), coded('ATTESTATION_KEY_INVALID'));
  assert.throws(
    () => readVerifyKeys('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'a.pub'),
    coded('ATTESTATION_KEY_INVALID'),
  );
  await assert.rejects(() => readTrustedKeys(join(folder, 'absent.pub')), coded('ATTESTATION_KEY_INVALID'));
  await assert.rejects(() => readTrustedKeys('/dev/zero'), coded('ATTESTATION_KEY_INVALID'));
});

test('a passphrase is the first line of its file', async () => {
  await writeFile(join(folder, 'phrase'), 'open sesame\r\nsecond line\n');
  assert.equal(await readPassphraseFile(join(folder, 'phrase')), 'open sesame');
});

test('one file may hold several trusted keys', async () => {
  const pems = await Promise.all(
    ['ed25519-pem.pub', 'ecdsa-p256-pem.pub'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  await writeFile(join(folder, 'both.pub'), pems.join('\n'));
  assert.deepEqual(
    (await readTrustedKeys(join(folder, 'both.pub'))).map(({ algorithm }) => algorithm),
    ['ed25519', 'ecdsa-p256'],
  );
});
