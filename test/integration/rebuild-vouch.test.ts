import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError, silentLog } from '../../src/base/index.ts';
import { type ContentStore, openContentStore } from '../../src/build/rebuild/snapshot/content-store.ts';
import type { LockedResource } from '../../src/build/rebuild/snapshot/types.ts';
import { verifyResources } from '../../src/build/rebuild/snapshot/verify.ts';
import { vouchApk } from '../../src/build/rebuild/snapshot/vouch-apk.ts';
import type { Vouchers } from '../../src/build/rebuild/snapshot/voucher.ts';
import { openApk, readApkKeyring } from '../../src/distro/index.ts';
import { hasRpmTools, RpmWorld } from '../support/rpm-world.ts';

const fixture = (name: string): Promise<Buffer> => readFile(new URL(`../fixtures/apk/${name}`, import.meta.url));

async function storeIn(context: TestContext): Promise<{
  readonly content: ContentStore;
  put(url: string, bytes: Uint8Array): Promise<LockedResource>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'vouch-'));
  context.after(() => rm(folder, { recursive: true }));
  const content = openContentStore(folder);
  return {
    content,
    async put(url, bytes) {
      const writer = await content.begin();
      await writer.write(bytes);
      return { url, ...(await writer.commit()), by: url.startsWith('https:') ? 'https' : 'nobody' };
    },
  };
}

const unverified = (error: unknown): boolean => isHeraklitError(error, 'REBUILD_SNAPSHOT_UNVERIFIED');

test('a repository of createrepo_c: metadata by repomd.xml, packages by primary.xml', async (context) => {
  if (!hasRpmTools('rpmbuild', 'createrepo_c')) return context.skip('rpmbuild or createrepo_c not installed');
  const world = await RpmWorld.create();
  context.after(() => world.remove());
  const made = await world.repository(
    'own',
    await world.build([
      { name: 'one', evr: '1-1' },
      { name: 'two', evr: '2:1-1' },
    ]),
  );
  const { content, put } = await storeIn(context);
  const root = 'https://rpm.example.com/own/';
  const resources: LockedResource[] = [];
  for (const entry of await readdir(made, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    resources.push(await put(root + path.slice(made.length + 1), await readFile(path)));
  }
  const verified = await verifyResources(resources, content, [], silentLog);
  const by = (pattern: RegExp): string[] => [
    ...new Set(verified.filter(({ url }) => pattern.test(url)).map((one) => one.by)),
  ];
  assert.deepEqual(by(/\.rpm$|primary\.xml/), ['repomd.xml by https']);
  assert.deepEqual(by(/repomd\.xml$/), ['https']);
  assert.equal(verified.filter(({ url }) => url.endsWith('.rpm')).length, 2);
  for (const what of [/one.*\.rpm$/, /filelists|other/]) {
    const at = resources.findIndex(({ url }) => what.test(url));
    const other = resources.with(at, await put(resources[at]?.url ?? '', Buffer.from('another')));
    await assert.rejects(verifyResources(other, content, [], silentLog), unverified, String(what));
  }
});

test('a repository of apk: packages by the identity that the signed index has of them', async (context) => {
  const { content, put } = await storeIn(context);
  const key = 'test@example.com-1.rsa.pub';
  const keyring = readApkKeyring('own', [{ name: key, content: (await fixture(key)).toString() }]);
  const folder = 'http://apk.example.com/v3.22/main/x86_64/';
  const [index, hello] = [await fixture('Packages.zstd.adb'), await fixture('hello-1.0-r0.apk')];
  const resources = [await put(`${folder}Packages.adb`, index), await put(`${folder}hello-1.0-r0.apk`, hello)];
  const vouchers: Vouchers = new Map();
  await vouchApk({ resources, content, keyrings: [], vouchers }, [keyring]);
  assert.deepEqual(vouchers.get(`${folder}hello-1.0-r0.apk`), {
    algorithm: 'apk',
    hash: openApk(hello).identity,
    by: 'own',
  });
  assert.equal(vouchers.get(`${folder}Packages.adb`)?.hash, createHash('sha256').update(index).digest('hex'));
  const nobody: Vouchers = new Map();
  await vouchApk({ resources, content, keyrings: [], vouchers: nobody });
  assert.equal(nobody.size, 0, 'not signed by a key that ships');
});
