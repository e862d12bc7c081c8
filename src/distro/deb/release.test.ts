import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import * as openpgp from 'openpgp';
import { isHeraklitError } from '../../base/index.ts';
import { type Keyring, readKeyring, shippedKeyring } from './keyring.ts';
import { parseReleaseDate, verifyRelease } from './release.ts';

const NOW = Date.UTC(2026, 5, 15);
const HASH = 'a'.repeat(64);
const BODY = `Origin: Debian
Suite: stable
Codename: trixie
Version: 13.7
Date: Sun, 14 Jun 2026 07:55:41 UTC
Valid-Until: Sun, 21 Jun 2026 07:55:41 UTC
Acquire-By-Hash: yes
Architectures: all amd64
Components: updates/main contrib
SHA256:
 ${HASH}   123 main/binary-amd64/Packages.xz
`;

type Signer = Awaited<ReturnType<typeof openpgp.generateKey>> & { privateKey: openpgp.PrivateKey };
let first: Signer;
let second: Signer;
let expired: Signer;
let keyring: Keyring;

const generate = async (options: object = {}): Promise<Signer> =>
  (await openpgp.generateKey({
    userIDs: [{ name: 'test' }],
    format: 'object',
    date: new Date(Date.UTC(2026, 0, 1)),
    ...options,
  })) as unknown as Signer;

const publicOf = (signer: Signer): string => signer.privateKey.toPublic().armor();

async function sign(text: string, signers: Signer[], date = new Date(Date.UTC(2026, 1, 1))): Promise<Buffer> {
  const message = await openpgp.createCleartextMessage({ text });
  return Buffer.from(await openpgp.sign({ message, signingKeys: signers.map((signer) => signer.privateKey), date }));
}

const refused = (code: string) => (error: unknown) => isHeraklitError(error, code);

before(async () => {
  [first, second, expired] = await Promise.all([
    generate(),
    generate(),
    generate({ keyExpirationTime: 60 * 24 * 3600 }),
  ]);
  keyring = await readKeyring('test', [publicOf(first), publicOf(expired)]);
});

test('a signed, fresh release of the suite asked for', async () => {
  const release = await verifyRelease(await sign(BODY, [first]), keyring, { now: NOW, suite: 'trixie' });
  assert.equal(release.date, Date.UTC(2026, 5, 14, 7, 55, 41) / 1000);
  assert.deepEqual(release.components, ['main', 'contrib']);
  assert.deepEqual(release.files.get('main/binary-amd64/Packages.xz'), { sha256: HASH, size: 123 });
  assert.deepEqual(release.signedBy, [first.privateKey.getFingerprint().toUpperCase()]);
  assert.equal(
    (await verifyRelease(await sign(BODY, [first]), keyring, { now: NOW, suite: 'stable' })).version,
    '13.7',
  );
});

test('one good signature among keys unknown or expired is enough', async () => {
  for (const others of [[second], [expired], [second, expired]]) {
    const signed = await sign(BODY, [...others, first]);
    assert.equal((await verifyRelease(signed, keyring, { now: NOW })).signedBy.length, 1);
  }
});

test('no signature, unknown key, expired key, changed text, text outside the signature', async () => {
  const signed = (await sign(BODY, [first])).toString();
  for (const [what, bytes] of [
    ['plain', Buffer.from(BODY)],
    ['empty', Buffer.alloc(0)],
    ['unknown key', await sign(BODY, [second])],
    ['expired key', await sign(BODY, [expired])],
    ['changed', Buffer.from(signed.replace(HASH, 'b'.repeat(64)))],
    ['before', Buffer.from(`Origin: evil\n${signed}`)],
    ['no signature block', Buffer.from(signed.slice(0, signed.indexOf('-----BEGIN PGP SIGNATURE')))],
    ['broken signature', Buffer.from(signed.replace(/(SIGNATURE-----\n\n[^\n]*\n.{40}).{8}/, '$1AAAAAAAA'))],
  ] as const) {
    await assert.rejects(verifyRelease(bytes, keyring, { now: NOW }), refused('RELEASE_UNSIGNED'), what);
  }
});

test('text after the signed part is not believed', async () => {
  const signed = Buffer.concat([await sign(BODY, [first]), Buffer.from('\nSuite: evil\n')]);
  const release = await verifyRelease(signed, keyring, { now: NOW }).catch((error: unknown) => error);
  assert.ok(release instanceof Error || (release as { suite: string }).suite === 'stable');
});

test('a revoked key is refused', async () => {
  const { publicKey } = await openpgp.revokeKey({
    key: first.privateKey,
    format: 'object',
    date: new Date(Date.UTC(2026, 2, 1)),
  });
  const revoked = await readKeyring('revoked', [publicKey.armor()]);
  await assert.rejects(verifyRelease(await sign(BODY, [first]), revoked, { now: NOW }), refused('RELEASE_UNSIGNED'));
});

test('stale, from the future, another suite, weak or missing hashes, unreadable', async () => {
  const check = async (text: string, options: { now?: number; suite?: string } = {}): Promise<unknown> =>
    verifyRelease(await sign(text, [first]), keyring, { now: NOW, ...options });
  await assert.rejects(check(BODY, { now: Date.UTC(2026, 6, 1) }), refused('RELEASE_EXPIRED'));
  await assert.rejects(check(BODY, { now: Date.UTC(2026, 5, 1) }), refused('RELEASE_FUTURE'));
  await assert.rejects(check(BODY, { suite: 'bookworm' }), refused('RELEASE_MISMATCH'));
  await assert.rejects(check(BODY.replace('SHA256:', 'MD5Sum:')), refused('RELEASE_WEAK'));
  await assert.rejects(check(BODY.replace(HASH, 'xyz')), refused('RELEASE_INVALID'));
  await assert.rejects(check(BODY.replace('UTC', 'CEST')), refused('RELEASE_INVALID'));
  await assert.rejects(check(BODY.replace(/Date: .*\n/, '')), refused('RELEASE_INVALID'));
});

test('a repository marked trusted may be unsigned and stale, but not another suite', async () => {
  const late = { now: Date.UTC(2027, 0, 1), trusted: true };
  for (const bytes of [Buffer.from(BODY), await sign(BODY, [second])]) {
    assert.equal((await verifyRelease(bytes, keyring, { ...late, suite: 'trixie' })).signedBy.length, 0);
    await assert.rejects(verifyRelease(bytes, keyring, { ...late, suite: 'sid' }), refused('RELEASE_MISMATCH'));
  }
});

test('dates in UTC only', () => {
  assert.equal(parseReleaseDate('Sat,  9 Aug 2025 09:16:30 UTC'), Date.UTC(2025, 7, 9, 9, 16, 30) / 1000);
  assert.equal(parseReleaseDate('Sat, 09 Aug 2025 09:16:30 +0200'), undefined);
  assert.equal(parseReleaseDate('yesterday'), undefined);
});

test('keyrings: the shipped ones are those the README lists; nonsense and none are errors', async () => {
  const folder = new URL('../../../data/keyrings/', import.meta.url);
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  const listed = [...readme.matchAll(/^\| `([^`]+)` +\| `([0-9A-F]{40})`/gm)].map(([, file, print]) => [file, print]);
  const files = (await readdir(new URL('debian/', folder))).sort();
  const actual = await Promise.all(
    files.map(async (file) => {
      const keys = await (await readKeyring(file, [await readFile(new URL(`debian/${file}`, folder), 'utf8')])).keys();
      assert.equal(keys.length, 1);
      return [file, keys[0]?.getFingerprint().toUpperCase()];
    }),
  );
  assert.deepEqual(listed.sort(), actual);
  assert.equal((await (await shippedKeyring('debian')).keys()).length, files.length);
  await assert.rejects(readKeyring('x', ['nonsense']), refused('DISTRO_KEYRING_INVALID'));
  await assert.rejects(shippedKeyring('../debian'), refused('DISTRO_KEYRING_INVALID'));
  await assert.rejects(shippedKeyring('nixos'), refused('DISTRO_KEYRING_INVALID'));
});
