/**
 * `patch` of a distroless image made from real Debian packages: a status.d database, no dpkg, no shell. It must become,
 * file for file, what the same image made from the newest packages is.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import { openDeb, type RepositoryPackage } from '../../src/distro/index.ts';
import { openWorkshop, patchImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { discoverMirrors } from '../../src/feed/index.ts';
import { findOutdated, inspectImage, readLayers } from '../../src/inventory/index.ts';
import { parseReference } from '../../src/oci/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from '../support/compare-roots.ts';
import { layoutOf, run, unpackImage } from '../support/debian-image.ts';

const SUITE = 'debian/bookworm';
const PACKAGES = ['base-files', 'libc6', 'libssl3', 'openssl', 'tzdata', 'netbase', 'libgcc-s1', 'gcc-12-base'];

/** As bazel's rules make it: packages unpacked, each with its control file in status.d and its checksums beside. */
async function distroless(root: string, debs: readonly (readonly [name: string, file: string])[]): Promise<void> {
  await mkdir(join(root, 'var/lib/dpkg/status.d'), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
  for (const [name, file] of debs) {
    const tar = join(root, '..', 'data.tar');
    await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', file, tar]);
    await run('tar', ['-xf', tar, '--keep-directory-symlink', '-C', root]);
    const deb = await openDeb(await readFile(file), name);
    await writeFile(join(root, 'var/lib/dpkg/status.d', name), deb.controlStanza.toBytes());
    const sums = deb.control.get('md5sums');
    if (sums !== undefined) await writeFile(join(root, 'var/lib/dpkg/status.d', `${name}.md5sums`), sums);
  }
}

test('a distroless image of real packages becomes what the newest packages make', async (context: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'distroless-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const reachable = await discoverMirrors({ id: 'debian' }).then(
    () => true,
    () => false,
  );
  if (!reachable) return context.skip('no Debian mirror');
  if (process.getuid?.() !== 0) return context.skip('needs root: owners of files');
  const shop = openWorkshop({
    home: homeAt(join(folder, 'home')),
    log: silentLog,
    progress: silentProgress,
    maxAge: 3600,
  });
  const cache = await shop.packages(SUITE);
  const debsOf = async (pockets: readonly string[] | undefined) => {
    const { snapshots } = await shop.shelf(SUITE, 'amd64', pockets);
    const newest = new Map<string, RepositoryPackage>();
    const { compareVersions } = await import('../../src/distro/index.ts');
    for (const pkg of snapshots.flatMap(({ packages }) => packages)) {
      const known = newest.get(pkg.name);
      if (PACKAGES.includes(pkg.name) && (known === undefined || compareVersions(pkg.version, known.version) > 0)) {
        newest.set(pkg.name, pkg);
      }
    }
    const packages = PACKAGES.map((name) => newest.get(name) as RepositoryPackage);
    const files = await cache.fetchAll(packages);
    return packages.map(({ name }, at) => [name, files[at] as string] as const);
  };
  await mkdir(join(folder, 'old'));
  await mkdir(join(folder, 'new'));
  await distroless(join(folder, 'old/root'), await debsOf(['release']));
  await distroless(join(folder, 'new/root'), await debsOf(undefined));
  const tar = join(folder, 'old.tar');
  await run('tar', ['-cf', tar, '-C', join(folder, 'old/root'), '.']);
  const image = await openImage(parseReference(await layoutOf(join(folder, 'old.oci'), [tar])));

  const outcome = await patchImage(image, {}, shop);
  assert.ok(outcome.kind === 'patched');
  const patched = resolvedFrom(outcome.image, storeOver(await shop.store(), image.blobs));
  const contents = await inspectImage(patched);
  const check = await findOutdated(contents, (await shop.shelf(SUITE, 'amd64')).snapshots);
  assert.ok(check.kind === 'checked');
  assert.deepEqual(check.findings, []);
  await unpackImage(
    patched,
    join(folder, 'ours'),
    (await readLayers(patched)).map(({ index }) => index),
  );
  const left = differences(factsOfRoot(join(folder, 'ours')), factsOfRoot(join(folder, 'new/root')));
  assert.deepEqual(left, []);
  context.diagnostic(`${outcome.image.changes.length} packages, ${patched.manifest.layers.at(-1)?.size} bytes`);
  await image.close();
});
