import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { shippedApkKeyring } from './shipped-keyring.ts';

test('the shipped keys are those that the README lists', async () => {
  const folder = new URL('../../../data/keyrings/', import.meta.url);
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  const listed = [...readme.matchAll(/^\| `([^`]+\.rsa\.pub)` +\| (\d+) \| `([0-9a-f]{64})`/gm)];
  const { keys } = await shippedApkKeyring('alpine');
  const actual = await Promise.all(
    keys.map(async ({ name, key }) => {
      const bytes = await readFile(new URL(`alpine/${name}`, folder));
      const bits = String(key.asymmetricKeyDetails?.modulusLength);
      return [name, bits, createHash('sha256').update(bytes).digest('hex')];
    }),
  );
  assert.equal(actual.length, 16);
  assert.deepEqual(
    listed.map(([, ...row]) => row),
    actual,
  );
});

test('no keys ship for others', async () => {
  for (const id of ['wolfi', '../debian', 'debian']) {
    await assert.rejects(shippedApkKeyring(id), { code: 'DISTRO_KEYRING_INVALID' });
  }
});
