import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compose } from '../../src/build/index.ts';
import { type RepositorySnapshot, readPackagesIndex } from '../../src/distro/index.ts';
import { flattenLayers, indexLayer } from '../../src/oci/index.ts';
import { parseRecipe } from '../../src/recipe/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { buildDeb, type TestPackage } from '../support/debian-mirror.ts';

const control = (name: string, more: Readonly<Record<string, string>> = {}) => ({
  Package: name,
  Version: '1.0',
  Architecture: 'amd64',
  Maintainer: 'Nobody <nobody@example.com>',
  Description: name,
  ...more,
});

/** `new-tool` took the program over from `old-tool`. */
const PACKAGES: readonly TestPackage[] = [
  { control: control('old-tool'), files: { 'usr/bin/tool': 'old', 'usr/share/old': 'x' } },
  { control: control('new-tool', { Replaces: 'old-tool', Depends: 'old-tool' }), files: { 'usr/bin/tool': 'newer' } },
];

test('a program that one package takes over from another stays executable', async () => {
  const root = await mkdtemp(join(tmpdir(), 'heraklit-replaces-'));
  try {
    const debs = new Map(PACKAGES.map((pkg) => [pkg.control.Package as string, buildDeb(pkg)]));
    const index = PACKAGES.map((pkg) => {
      const deb = debs.get(pkg.control.Package as string) as Buffer;
      const fields = { ...pkg.control, Filename: `pool/${pkg.control.Package}.deb`, Size: String(deb.length) };
      const sum = createHash('sha256').update(deb).digest('hex');
      return `${Object.entries({ ...fields, SHA256: sum })
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n')}\n`;
    }).join('\n');
    const snapshot: RepositorySnapshot = {
      id: 'debian/trixie/main/amd64',
      distribution: 'debian/trixie',
      pocket: 'release',
      suite: 'trixie',
      component: 'main',
      architecture: 'amd64',
      security: false,
      date: 1_700_000_000,
      releaseDigest: '0'.repeat(64),
      notAutomatic: false,
      packages: readPackagesIndex(Buffer.from(index), { id: 'debian/trixie/main/amd64', security: false }),
    };
    const store = await openBlobStore(join(root, 'store'));
    const image = await compose({
      recipe: parseRecipe(
        'apiVersion: heraklit/v1\nkind: Image\nname: tools\ndistribution: debian/trixie\nscripts: none\npackages: [new-tool]\n',
      ),
      directory: root,
      architecture: 'amd64',
      repositories: async () => [snapshot],
      fetchPackage: async (item) => debs.get(item.name) as Buffer,
      store,
      cache: join(root, 'cache'),
      scratch: join(root, 'scratch'),
    });
    const indexes = await Promise.all(
      image.manifest.layers.map(
        async (layer) => (await indexLayer(await store.open(layer.digest), layer.mediaType)).index,
      ),
    );
    const program = flattenLayers(indexes).get('usr/bin/tool')?.entry;
    assert.deepEqual([program?.type, program?.mode, program?.size], ['file', 0o755, 'newer'.length]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
