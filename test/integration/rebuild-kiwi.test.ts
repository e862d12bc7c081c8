/** KIWI descriptions through the real kiwi: rpm packages by dnf into an empty root. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { type TestContext, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { compareContent, contentOf } from '../../src/build/index.ts';
import { buildOf } from '../../src/engine/adapters/build.ts';
import { loadEngineFleet } from '../../src/engine/adapters/load-fleet.ts';
import {
  checkSecondBuild,
  openWorkshop,
  rebuildKiwi,
  resolvedFrom,
  type Workshop,
} from '../../src/engine/workshop/index.ts';
import { hostPlatform, indexLayer, type ResolvedImage } from '../../src/oci/index.ts';
import { isMissing } from '../support/engine-tools.ts';
import { newerTool } from '../support/newer-tools.ts';
import { openRepository } from '../support/rebuild-world.ts';
import { type RpmSpec, RpmWorld } from '../support/rpm-world.ts';

const TOOLS = ['kiwi-ng', 'dnf', 'rpmbuild', 'createrepo_c', 'runc', 'umoci', 'skopeo', 'rsync', 'unshare'];

const coded =
  (code: string, ...words: RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(isHeraklitError(error, code), String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };

/** Path → content of all files. */
async function filesOf(image: ResolvedImage): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { digest, mediaType } of image.manifest.layers) {
    const { index, captured } = await indexLayer(await image.blobs.open(digest), mediaType, { capture: () => true });
    for (const { path } of index.entries) files.set(path, Buffer.from(captured.get(path) ?? []).toString());
  }
  return files;
}

const SCRIPT = `#!/bin/sh
echo "epoch $SOURCE_DATE_EPOCH" > /said
[ -c /dev/null ] && echo device >> /said
for place in /dev/vda /dev/sda /dev/mem /dev/kmsg; do [ -e $place ] && echo "sees $place" >> /said; done
busybox mknod /node b 8 0 2> /dev/null && echo "made a disk" >> /said
busybox mount -t devtmpfs none /mnt 2> /dev/null && echo "mounted devices" >> /said
exit 0
`;

/** A shell of this machine with the libraries it needs, as package; rpm's own search for what it needs left out. */
const SHELL = [
  'mkdir -p %{buildroot}/bin %{buildroot}/mnt %{buildroot}/etc',
  "cp --dereference --parents /bin/bash $(ldd /bin/bash | grep -o '/[^ ]*') %{buildroot}",
  'ln -s bash %{buildroot}/bin/sh',
];

interface KiwiWorld {
  readonly rpm: RpmWorld;
  readonly description: string;
  readonly origin: string;
  readonly asked: string[];
  readonly lines: string[];
  workshop(): Workshop;
  close(): Promise<void>;
  /** Packages anew. */
  publish(said: string): Promise<void>;
  write(name: string, content: string): Promise<void>;
}

/** A repository of two packages behind a server, and a description of an image with them. */
async function openKiwiWorld(context: TestContext): Promise<KiwiWorld | undefined> {
  if (isMissing(context, ...TOOLS)) return undefined;
  const busybox = newerTool('busybox');
  if (busybox === undefined || process.getuid?.() !== 0) {
    context.skip(busybox === undefined ? 'busybox not installed' : 'needs root: kiwi in namespaces of its own');
    return undefined;
  }
  const rpm = await RpmWorld.create();
  context.after(() => rpm.remove());
  const tags = ['AutoReqProv: no'];
  const install = [...SHELL, `cp ${busybox} %{buildroot}/bin/busybox`];
  const shell: RpmSpec = {
    name: 'shell',
    evr: '1-1',
    arch: 'x86_64',
    tags,
    install,
    listed: ['/bin', '/lib*', '/mnt', '/etc'],
  };
  const publish = async (said: string): Promise<void> => {
    const packages = await rpm.build(
      [shell, { name: 'said', evr: said, files: { '/etc/words': said } }],
      `rpms-${said}`,
    );
    await rm(join(rpm.folder, 'repository'), { recursive: true, force: true });
    await rpm.repository('repository', packages);
  };
  await publish('1-1');
  const server = await openRepository(context, ({ url = '/' }, response) => {
    createReadStream(join(rpm.folder, 'repository', normalize(url)))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  const lines: string[] = [];
  const description = join(rpm.folder, 'description');
  await mkdir(description);
  const write = (name: string, content: string): Promise<void> =>
    writeFile(join(description, name), content, { mode: 0o755 });
  await write('config.sh', SCRIPT);
  return {
    ...{ rpm, description, lines, publish, write, ...server },
    workshop: () =>
      openWorkshop({
        home: homeAt(join(rpm.folder, 'home')),
        mirror: 'http://127.0.0.1:9/',
        log: silentLog,
        progress: silentProgress,
      }),
  };
}

const descriptionText = (
  origin: string,
  { type = 'image="oci"', packages = ['shell', 'said'], more = '' } = {},
): string => `
<image schemaversion="7.4" name="small">
  <description type="system"><author>A</author><contact>a@example.com</contact><specification>small</specification></description>
  <preferences><version>1.0.0</version><packagemanager>dnf</packagemanager>
    <type ${type}><containerconfig name="small" tag="1"><entrypoint execute="/bin/bash"/></containerconfig></type>
  </preferences>
  <repository type="rpm-md" alias="packages" repository_gpgcheck="false" package_gpgcheck="false"><source path="${origin}"/></repository>
  <packages type="bootstrap">${packages.map((name) => `<package name="${name}"/>`).join('')}</packages>${more}
</image>`;

test('the first build of a description locks its packages, later ones need no network and give the same bytes', async (context) => {
  const world = await openKiwiWorld(context);
  if (world === undefined) return;
  const { origin, description } = world;
  await world.write('config.xml', descriptionText(origin));
  const build = (mode: 'auto' | 'locked' | 'update', more = {}) =>
    rebuildKiwi(
      description,
      {
        platform: hostPlatform(),
        mode,
        allowed: [origin],
        epoch: 1_700_000_000,
        onLine: (line) => world.lines.push(line),
        ...more,
      },
      world.workshop(),
    );
  const first = await build('auto');
  const files = await filesOf(first.image);
  assert.equal(files.get('etc/words'), '1-1');
  assert.equal(files.get('said'), 'epoch 1700000000\ndevice\n', 'it saw nothing of this machine');
  for (const path of files.keys()) assert.doesNotMatch(path, /heraklit|\.kiwi$|^(?:dev|image|description)\/./);
  const { config, manifest } = first.image;
  assert.deepEqual(config.config?.Entrypoint, ['/bin/bash']);
  assert.equal(config.created, '2023-11-14T22:13:20.000Z');
  assert.doesNotMatch(JSON.stringify([config, manifest]), /127\.0\.0\.1:3128|SSL_CERT|http_proxy/);
  assert.equal(manifest.annotations?.['io.heraklit.lock']?.length, 71);
  const { lock, recorded } = first.built;
  assert.ok(recorded);
  // Names of metadata begin with their digests, so that their order in the lock differs from run to run.
  const locked = lock.resources.map(({ url, by }) => [url.slice(origin.length).replace(/[0-9a-f]{64}-/, ''), by]);
  assert.deepEqual(
    locked.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    [
      ['/Packages/said-1-1.noarch.rpm', 'repomd.xml'],
      ['/Packages/shell-1-1.x86_64.rpm', 'repomd.xml'],
      ['/repodata/filelists.xml.gz', 'repomd.xml'],
      ['/repodata/primary.xml.gz', 'repomd.xml'],
      ['/repodata/repomd.xml', 'nobody'],
    ],
  );
  assert.equal(first.lockFile, join(description, 'config.xml.lock'));

  // Newer packages are there, and nobody asks for them.
  await world.publish('1-2');
  const asked = world.asked.length;
  const again = await build('locked', { offline: true });
  assert.ok(!again.built.recorded);
  assert.equal(world.asked.length, asked);
  const [before, after] = await Promise.all(
    [first, again].map(({ image }) => contentOf(image, world.workshop().layerFacts)),
  );
  assert.ok(before !== undefined && after !== undefined);
  const { changed, added, removed } = compareContent(before, after);
  assert.deepEqual([changed, added, removed], [[], [], []]);
  await checkSecondBuild(first, async () => again, world.workshop());
  const updated = await build('update');
  assert.equal((await filesOf(updated.image)).get('etc/words'), '1-2');

  await world.write('config.xml', descriptionText(origin, { packages: ['shell'] }));
  await assert.rejects(build('locked'), coded('REBUILD_LOCK_STALE'));
});

test('in a fleet one is derived from the other; what scripts must not do is stopped and named', async (context) => {
  const world = await openKiwiWorld(context);
  if (world === undefined) return;
  const { origin, rpm, description } = world;
  await world.write('config.xml', descriptionText(origin));
  const high = join(rpm.folder, 'high');
  await mkdir(join(high, 'root', 'etc'), { recursive: true });
  await writeFile(join(high, 'root', 'etc', 'own'), 'own');
  const derived = descriptionText(origin, { type: 'image="docker" derived_from="docker://low"', packages: [] });
  await writeFile(join(high, 'app.kiwi'), derived.replace('<packages type="bootstrap"></packages>', ''));
  const file = join(rpm.folder, 'heraklit.yaml');
  await writeFile(
    file,
    [
      'apiVersion: heraklit/v1',
      'kind: Fleet',
      'images:',
      `  - { name: high, kiwi: high, build: { allow: ["${origin}"] } }`,
      `  - { name: low, kiwi: description/config.xml, build: { allow: ["${origin}"], timeout: 600, memory: 4096, processes: 300 } }`,
    ].join('\n'),
  );
  const loaded = await loadEngineFleet(file);
  const [above, below] = loaded.fleet.images;
  assert.ok(above !== undefined && below !== undefined);
  assert.deepEqual([above.recipe, above.base, below.base], ['kiwi', 'low', undefined]);
  const port = buildOf(loaded, 'amd64', world.workshop());
  const request = { strategy: 'rebuild', previous: undefined, previousBaseDigest: undefined } as const;
  const { signal } = new AbortController();
  const low = await port.build({ ...request, image: below, baseDigest: undefined }, signal);
  const top = await port.build({ ...request, image: above, baseDigest: low.descriptor.digest }, signal);
  assert.deepEqual(top.manifest.layers.slice(0, -1), low.manifest.layers);
  assert.equal(top.manifest.layers.length, 2);
  assert.equal(top.manifest.annotations?.['org.opencontainers.image.base.digest'], low.descriptor.digest);
  const image = resolvedFrom(top, await world.workshop().store());
  assert.equal(
    (await filesOf({ ...image, manifest: { ...image.manifest, layers: top.manifest.layers.slice(1) } })).get('etc/own'),
    'own',
  );
  assert.deepEqual((await readdir(join(rpm.folder, 'home', 'locks'))).sort(), ['high.kiwi.lock', 'low.kiwi.lock']);
  await writeFile(join(high, 'root', 'etc', 'own'), 'another');
  const changed = await loadEngineFleet(file);
  assert.notEqual(changed.fleet.images[0]?.recipeDigest, above.recipeDigest);
  assert.equal(changed.fleet.images[1]?.recipeDigest, below.recipeDigest);

  const options = { platform: hostPlatform(), mode: 'auto', allowed: [origin] } as const;
  const attempt = async (script: string, more = {}): Promise<unknown> => {
    await world.write('config.sh', `#!/bin/bash\n${script}\n`);
    return rebuildKiwi(description, { ...options, ...more }, world.workshop());
  };
  await assert.rejects(
    attempt(`busybox wget ${origin}/secrets -O - || busybox wget http://unlisted.example.com/x`, {
      allowed: [`${origin}/repodata`, `${origin}/Packages`],
    }),
    coded('REBUILD_NETWORK_REFUSED', /\/secrets/, /unlisted\.example\.com/),
  );
  const bomb = "busybox sh -c 'for i in $(busybox seq 40); do busybox sleep 5 & done' || exit 3";
  await assert.rejects(attempt(bomb, { processes: 24 }), coded('REBUILD_FAILED', /can't fork/));
  await assert.rejects(attempt('busybox sleep 600', { timeout: 6 }), coded('REBUILD_TIMEOUT'));
  await world.write('config.xml', '<image name="x"><preferences><type image="oem"/></preferences></image>');
  await assert.rejects(attempt('true'), coded('REBUILD_DESCRIPTION_INVALID', /oem/));
  assert.deepEqual(
    (await readdir(join(rpm.folder, 'home', 'scratch'))).filter((name) => name.startsWith('rebuild-')),
    [],
  );
});
