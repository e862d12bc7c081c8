/**
 * `patch` against the image's own apt: a root made from a release pocket alone is patched, and a copy of it is brought
 * up to date by `apt-get dist-upgrade` inside it. Both must hold the same files.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import { type BuiltImage, PATCH_ANNOTATION } from '../../src/build/index.ts';
import { openWorkshop, type PatchFilter, patchImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { type Finding, findOutdated, inspectImage, readLayers } from '../../src/inventory/index.ts';
import { type ImageConfig, parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from '../support/compare-roots.ts';
import { aptUpgrade, inRoot, layoutOf, noDebianRoots, releaseTar, run, unpackImage } from '../support/debian-image.ts';
import { openPodman } from '../support/podman.ts';
import { tarOf } from '../support/small-image.ts';

/** Few packages, and yet: a library, configuration files, maintainer scripts, data, an interpreter, triggers. */
const SUITES = {
  bullseye: ['openssl', 'tzdata'],
  bookworm: ['openssl', 'tzdata', 'ca-certificates', 'python3-minimal'],
  trixie: ['openssl', 'libxml2', 'tzdata', 'nginx'],
} as const;
const CONFIG: Partial<ImageConfig> = {
  variant: 'v2',
  config: {
    Entrypoint: ['/usr/bin/openssl'],
    Cmd: ['version'],
    Env: ['PATH=/usr/bin:/bin', 'A=b'],
    User: '1000:1000',
    WorkingDir: '/srv',
    Labels: { kept: 'yes' },
    ExposedPorts: { '8080/tcp': {} },
    StopSignal: 'SIGQUIT',
  },
};
const skip = noDebianRoots;

let folder: string;
before(async () => {
  // Lower case: podman makes an image name of the path.
  folder = join(tmpdir(), `patch-${randomUUID()}`);
  await mkdir(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const workshop = () =>
  openWorkshop({
    home: homeAt(join(folder, 'home')),
    log: silentLog,
    progress: silentProgress,
    maxAge: 3600,
  });

interface Patched {
  readonly built: BuiltImage;
  readonly image: ResolvedImage;
  readonly fixed: readonly Finding[];
}

async function patched(image: ResolvedImage, filter: PatchFilter = {}): Promise<Patched> {
  const shop = workshop();
  const outcome = await patchImage(image, filter, shop);
  assert.equal(outcome.kind, 'patched');
  assert.ok(outcome.kind === 'patched');
  const blobs = storeOver(await shop.store(), image.blobs);
  return { built: outcome.image, image: resolvedFrom(outcome.image, blobs), fixed: outcome.fixed };
}

async function outdated(image: ResolvedImage): Promise<readonly Finding[]> {
  const contents = await inspectImage(image);
  const shelf = await workshop().shelf(contents.distribution?.name ?? '', contents.architecture);
  const check = await findOutdated(contents, shelf.snapshots);
  assert.ok(check.kind === 'checked');
  return check.findings;
}

async function unpacked(image: ResolvedImage, name: string): Promise<string> {
  const root = join(folder, name);
  const records = await readLayers(image);
  await unpackImage(
    image,
    root,
    records.map((record) => record.index),
  );
  return root;
}

for (const [suite, include] of Object.entries(SUITES)) {
  test(`${suite}: the same files as apt-get dist-upgrade makes`, { skip }, async (context) => {
    const edit = 'echo "# edited by the owner" >> "$1/etc/ssl/openssl.cnf"';
    const tar = await releaseTar(folder, suite, include, [edit]);
    const image = await openImage(parseReference(await layoutOf(join(folder, `${suite}.oci`), [tar], CONFIG)));
    const theirs = join(folder, `${suite}-apt`);
    await mkdir(theirs);
    await run('tar', ['-xf', tar, '-C', theirs]);
    const [result] = await Promise.all([patched(image), aptUpgrade(theirs, suite)]);

    assert.deepEqual(await outdated(result.image), []);
    const ours = await unpacked(result.image, `${suite}-ours`);
    const left = differences(factsOfRoot(ours), factsOfRoot(theirs));
    assert.deepEqual(left, [], left.join('\n'));
    assert.equal(await inRoot(ours, 'dpkg', '--audit'), '');
    await inRoot(ours, 'apt-get', 'check');
    assert.match(await readFile(join(ours, 'etc/ssl/openssl.cnf'), 'utf8'), /edited by the owner/);

    const { manifest, config } = result.image;
    assert.deepEqual([config.config, config.variant, config.os], [CONFIG.config, 'v2', 'linux']);
    assert.equal(manifest.layers.length, 2);
    assert.equal(config.rootfs.diff_ids.length, 2);
    assert.equal(manifest.annotations?.['com.example.kept'], 'yes');
    assert.equal(manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
    assert.equal(manifest.annotations?.[PATCH_ANNOTATION.layer], config.rootfs.diff_ids[1]);
    assert.equal(manifest.annotations?.[PATCH_ANNOTATION.packages]?.split(' ').length, result.built.changes.length);
    assert.ok(
      result.fixed.every((finding) => result.built.changes.some(({ package: name }) => name === finding.package)),
    );
    context.diagnostic(`${result.built.changes.length} packages, layer of ${manifest.layers[1]?.size} bytes`);
    await rm(ours, { recursive: true });
    await rm(theirs, { recursive: true });
    if (suite === 'trixie') {
      await inParts(image, result);
      await withApplication(tar, result);
      await starts(context, result.image);
    }
    await image.close();
  });
}

/** Patched in two goes, an image is what one go makes of it: the second starts from the original again. */
async function inParts(image: ResolvedImage, whole: Patched): Promise<void> {
  const part = await patched(image, { packages: ['openssl'], onlySecurity: true });
  const names = part.built.changes.map((change) => change.package);
  assert.ok(names.includes('openssl') && !names.includes('tzdata'), names.join());
  assert.ok(part.fixed.every((finding) => finding.security && finding.package === 'openssl'));
  const rest = await patched(part.image);
  assert.equal(rest.image.manifest.layers.length, 2);
  assert.equal(rest.image.manifest.annotations?.[PATCH_ANNOTATION.source], image.digest);
  assert.deepEqual(await outdated(rest.image), []);
  assert.equal(rest.image.config.rootfs.diff_ids[1], whole.image.config.rootfs.diff_ids[1]);
  const other = await patched(part.image, { packages: ['tzdata'] });
  assert.ok(
    other.built.changes.some((change) => change.package === 'openssl'),
    'an update was taken back',
  );
}

/** An image with an application on the same system gets the same layer, and it is what a run of its own makes. */
async function withApplication(system: string, before: Patched): Promise<void> {
  const application = join(folder, 'application.tar');
  await writeFile(application, tarOf({ app: null, 'app/main': 'x', 'srv/www/index.html': 'hello' }));
  const layout = await layoutOf(join(folder, 'application.oci'), [system, application], CONFIG);
  const image = await openImage(parseReference(layout));
  const known = await patched(image);
  await rm(join(folder, 'home', 'cache', 'patches'), { recursive: true });
  const anew = await patched(image);
  assert.deepEqual([known.built.statistics.layersBuilt, anew.built.statistics.layersBuilt], [0, 1]);
  assert.equal(known.image.digest, anew.image.digest);
  assert.equal(known.image.config.rootfs.diff_ids[2], before.image.config.rootfs.diff_ids[1]);
  assert.deepEqual(await outdated(known.image), []);
  await image.close();
}

/** Podman starts the patched image, and a server of it answers. */
async function starts(context: TestContext, image: ResolvedImage): Promise<void> {
  const podman = openPodman(context);
  if (podman === undefined) return;
  const layout = join(folder, 'started');
  await saveImage(image, parseReference(`oci:${layout}:patched`));
  const script = `set -e
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
printf 'events {} http { server { listen 127.0.0.1:%s; location / { return 200 "it works"; } } }' $port > /tmp/nginx.conf
/usr/sbin/nginx -c /tmp/nginx.conf
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die; print $s "GET / HTTP/1.0\r\n\r\n"; print <$s>' $port
test -z "$(dpkg --audit)"`;
  const result = podman.shell(`oci:${layout}:patched`, script);
  assert.equal(result.status, 0, result.output);
  assert.match(result.stdout, /200 OK[\s\S]*it works/);
}
