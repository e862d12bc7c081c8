/** Dockerfiles through a real Buildah, on a base of busybox alone. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import { buildOf } from '../../src/engine/adapters/build.ts';
import { loadEngineFleet } from '../../src/engine/adapters/load-fleet.ts';
import { checkSecondBuild, openWorkshop } from '../../src/engine/workshop/index.ts';
import { indexLayer, type ResolvedImage } from '../../src/oci/index.ts';
import { openSources } from '../../src/source/index.ts';
import { openCli } from '../support/cli.ts';
import { storageBelow, unmountStorage } from '../support/engine-tools.ts';
import { openRebuildWorld, openRepository } from '../support/rebuild-world.ts';

/** A host of Debian's: asked for at the mirror of this home. Builders do not ask proxies for their own loopback. */
const ADDED = 'http://files.debian.org';

const coded =
  (code: string, ...words: RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(isHeraklitError(error, code), String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };

/** Path → content of the files that the topmost layer adds. */
async function topFiles(image: ResolvedImage): Promise<ReadonlyMap<string, string>> {
  const layer = image.manifest.layers.at(-1);
  assert.ok(layer !== undefined);
  const { index, captured } = await indexLayer(await image.blobs.open(layer.digest), layer.mediaType, {
    capture: () => true,
  });
  return new Map(index.entries.map(({ path }) => [path, Buffer.from(captured.get(path) ?? []).toString()]));
}

test('the first build locks what it fetches, later ones need no network and give the same image, as Buildah alone does', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const repository = await openRepository(context, ({ url }, response) => response.end(`content of ${url}\n`));
  const { origin } = repository;
  world.mirror = `${origin}/debian`;
  const dockerfile = [
    'ARG BASE',
    'FROM $BASE AS tools',
    'RUN mkdir /out && echo made > /out/tool',
    'FROM $BASE',
    'ARG WORD=none',
    'LABEL kept=yes',
    'COPY --from=tools /out/tool /tool',
    'COPY . /context/',
    `ADD ${ADDED}/debian/pool/file /added`,
    `RUN wget -q -O /fetched ${origin}/pool/a.deb && echo "$WORD" > /word && echo $SOURCE_DATE_EPOCH > /epoch`,
    'CMD ["/tool"]',
  ].join('\n');
  const folder = await world.context('app', {
    Dockerfile: dockerfile,
    '.dockerignore': 'Dockerfile*\nignored\n.dockerignore\n',
    taken: 'taken',
    ignored: 'ignored',
  });
  const options = {
    buildArgs: { BASE: world.base, WORD: 'said' },
    labels: { added: 'too' },
    epoch: 1_700_000_000,
    allowed: [`${origin}/pool`],
  };
  const first = await world.build(folder, options);
  assert.ok(first.built.recorded);
  assert.deepEqual(
    first.built.lock.resources.map(({ url }) => url.replace(origin, '')),
    ['/pool/a.deb', `${ADDED}/debian/pool/file`],
  );
  assert.deepEqual(first.built.refused, []);
  await repository.close();
  const again = await world.build(folder, { ...options, mode: 'locked', offline: true });
  assert.equal(again.built.descriptor.digest, first.built.descriptor.digest);
  assert.ok(!again.built.recorded);

  const files = await topFiles(first.image);
  assert.equal(files.get('fetched'), 'content of /pool/a.deb\n');
  assert.equal(files.get('added'), 'content of /debian/pool/file\n');
  assert.deepEqual([files.get('word'), files.get('epoch'), files.get('tool')], ['said\n', '1700000000\n', 'made\n']);
  assert.ok(files.has('context/taken') && !files.has('context/ignored'));
  assert.ok(![...files.keys()].some((path) => path.startsWith('dev/')), 'nothing of ours in the layer');
  const { config, manifest } = first.image;
  assert.deepEqual(config.config?.Labels, { kept: 'yes', added: 'too' });
  assert.deepEqual(config.config?.Cmd, ['/tool']);
  assert.equal(manifest.layers.length, 2);
  const text = JSON.stringify([config, manifest.annotations]);
  assert.doesNotMatch(text, /127\.0\.0\.1:3128|heraklit-base|SSL_CERT|http_proxy|io\.buildah/);
  assert.equal(manifest.annotations?.['org.opencontainers.image.base.name'], world.base);
  assert.equal(
    manifest.layers[0]?.digest,
    first.built.lock.images[0] &&
      JSON.parse(await blobOf(world.folder, first.built.lock.images[0].digest)).layers[0].digest,
  );

  // The oracle: Buildah by itself, with what the server said.
  const served = await openRepository(context, ({ url }, response) => response.end(`content of ${url}\n`));
  await writeFile(
    join(folder, 'Dockerfile'),
    dockerfile
      .replaceAll(origin, served.origin)
      .replace(ADDED, served.origin)
      .replace('$SOURCE_DATE_EPOCH', '1700000000'),
  );
  const storage = join(world.folder, 'peer');
  context.after(() => unmountStorage(storage));
  await promisify(execFile)(
    'buildah',
    [
      ...[
        ...storageBelow(storage),
        'build',
        '--runtime',
        'runc',
        '--network',
        'host',
        '--timestamp',
        '1700000000',
        '--identity-label=false',
      ],
      ...['--label', 'added=too', '--build-arg', 'BASE=oci:base:it', '--build-arg', 'WORD=said'],
      ...['--tag', `oci:${join(world.folder, 'peer-image')}:it`, folder],
    ],
    { cwd: world.folder },
  );
  const peer = JSON.parse(await readFile(join(world.folder, 'peer-image', 'index.json'), 'utf8'));
  const peerManifest = JSON.parse(await blobOf(world.folder, peer.manifests[0].digest, 'peer-image'));
  const peerConfig = JSON.parse(await blobOf(world.folder, peerManifest.config.digest, 'peer-image'));
  assert.equal(config.rootfs.diff_ids.at(-1), peerConfig.rootfs.diff_ids.at(-1), 'the same layer, byte for byte');

  await writeFile(join(folder, 'Dockerfile'), `${dockerfile}\nENV X=1`);
  await assert.rejects(world.build(folder, { ...options, mode: 'locked' }), coded('REBUILD_LOCK_STALE'));
  await assert.rejects(world.build(folder, { ...options, offline: true }), coded('REBUILD_SNAPSHOT_MISSING'));
});

const blobOf = (folder: string, digest: string, layout = 'base'): Promise<string> =>
  readFile(join(folder, layout, 'blobs', 'sha256', digest.slice(7)), 'utf8');

test('whatever else is reached for is refused by name, in the error too', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const { origin, asked } = await openRepository(context, (_request, response) => response.end('x'));
  const attempt = (name: string, run: string) =>
    world.context(name, { Dockerfile: `FROM ${world.base}\nRUN ${run}` }).then((folder) => world.build(folder));
  await assert.rejects(
    attempt('url', `wget ${origin}/secrets`),
    coded('REBUILD_NETWORK_REFUSED', /GET http:\/\/127[^ ]*\/secrets/),
  );
  await assert.rejects(
    attempt('name', 'env -u http_proxy -u https_proxy wget http://unlisted.example.com/x'),
    coded('REBUILD_NETWORK_REFUSED', /host unlisted\.example\.com/),
  );
  // A connection past the proxy finds nobody: not even the server on this machine's own loopback.
  const port = origin.split(':').at(-1);
  await assert.rejects(attempt('raw', `nc -w 2 127.0.0.1 ${port} < /dev/null`), coded('REBUILD_FAILED'));
  const done = await attempt('mild', `wget -q -O - ${origin}/y || echo went on > /mild`);
  assert.deepEqual(
    done.built.refused.map(({ what }) => what),
    [`GET ${origin}/y`],
  );
  assert.deepEqual(asked, []);
});

test('secrets and agents are mounted for a step and stand nowhere: blobs, configuration, lock, cache, what is printed', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const secret = 'correct-horse-battery-staple';
  await writeFile(join(world.folder, 'token'), `${secret}\n`);
  const secrets = [{ id: 'token', source: join(world.folder, 'token') }];
  const good = await world.context('good', {
    Dockerfile: `FROM ${world.base}\nRUN --mount=type=secret,id=token cat /run/secrets/token && grep -c horse /run/secrets/token > /count`,
  });
  const { image, lockFile } = await world.build(good, { secrets });
  assert.equal((await topFiles(image)).get('count'), '1\n');
  assert.ok(world.lines.some((line) => line.includes('•••')) && !world.lines.join('\n').includes(secret));
  const searched = await everyFile(world.home);
  assert.ok(searched.length > 5);
  for (const [path, bytes] of [...searched, [lockFile, await readFile(lockFile)] as const]) {
    assert.ok(!bytes.includes(secret), path);
  }
  const bad = await world.context('bad', {
    Dockerfile: `FROM ${world.base}\nRUN --mount=type=secret,id=token cat /run/secrets/token > /kept`,
  });
  await assert.rejects(world.build(bad, { secrets }), coded('REBUILD_SECRET_KEPT', /token/));
  await assert.rejects(
    world.build(good, { secrets, buildArgs: { TOKEN: secret }, labels: { oops: secret } }),
    coded('REBUILD_SECRET_KEPT', /configuration/),
  );
});

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Every file below a folder, compressed ones uncompressed too. */
async function everyFile(folder: string): Promise<readonly (readonly [string, Buffer])[]> {
  const files: (readonly [string, Buffer])[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    files.push([path, bytes]);
    if (bytes.subarray(0, 4).equals(ZSTD)) files.push([`${path} (plain)`, zstdDecompressSync(bytes)]);
  }
  return files;
}

test('limits, hostile contexts, and what is no Dockerfile', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const of = (name: string, ...lines: string[]) =>
    world.context(name, { Dockerfile: [`FROM ${world.base}`, ...lines].join('\n') });
  await assert.rejects(world.build(await of('slow', 'RUN sleep 600'), { timeout: 2 }), coded('REBUILD_TIMEOUT'));
  await assert.rejects(
    world.build(await of('loud', 'RUN yes'), { outputLimit: 100_000 }),
    coded('REBUILD_OUTPUT_LIMIT'),
  );
  const escaping = await of('escape', 'COPY link /link');
  await symlink('/etc/shadow', join(escaping, 'link'));
  const escaped = await world.build(escaping).catch((error: unknown) => error);
  if (!isHeraklitError(escaped, 'REBUILD_FAILED')) {
    const shadow = await readFile('/etc/shadow', 'utf8');
    const files = await topFiles((escaped as { image: ResolvedImage }).image);
    assert.notEqual(files.get('link'), shadow, 'the content of a file outside the context');
  }
  await assert.rejects(world.build(await of('above', 'COPY ../base/index.json /x')), coded('REBUILD_FAILED'));
  await assert.rejects(
    world.build(await of('failing', 'RUN echo so sorry && false')),
    coded('REBUILD_FAILED', /so sorry/),
  );
  await assert.rejects(
    world.build(await of('git', 'ADD git@example.com:a/b.git /x')),
    coded('REBUILD_DOCKERFILE_INVALID'),
  );
  await assert.rejects(world.build(escaping, { context: join(escaping, 'none') }), coded('REBUILD_CONTEXT_INVALID'));
  await assert.rejects(world.build(await world.context('empty', { x: '' })), coded('DOCKERFILE_UNREADABLE'));
  assert.deepEqual(
    (await readdir(join(world.home, 'scratch'))).filter((name) => name.startsWith('rebuild-')),
    [],
  );
});

test('Dockerfiles of a fleet: one stands on the other by its name; the context is what makes a source change', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const fleetFile = join(world.folder, 'heraklit.yaml');
  await world.context('low', { Dockerfile: `FROM ${world.base}\nRUN echo low > /low` });
  await world.context('high', {
    Containerfile: 'ARG WORD\nFROM low\nARG WORD\nCOPY word /\nRUN echo "$WORD" > /said',
    word: 'one',
  });
  await writeFile(
    fleetFile,
    [
      'apiVersion: heraklit/v1',
      'kind: Fleet',
      'images:',
      '  - { name: high, dockerfile: high, build: { args: { WORD: hello }, timeout: 300 } }',
      '  - { name: low, dockerfile: low/Dockerfile }',
    ].join('\n'),
  );
  const workshop = world.workshop();
  const loaded = await loadEngineFleet(fleetFile);
  const [high, low] = loaded.fleet.images;
  assert.ok(high !== undefined && low !== undefined);
  assert.deepEqual([high.base, high.recipe, low.base], ['low', 'dockerfile', undefined]);
  const port = buildOf(loaded, 'amd64', workshop);
  const request = { strategy: 'rebuild', previous: undefined, previousBaseDigest: undefined } as const;
  const { signal } = new AbortController();
  const below = await port.build({ ...request, image: low, baseDigest: undefined }, signal);
  const above = await port.build({ ...request, image: high, baseDigest: below.descriptor.digest }, signal);
  assert.equal(above.strategy, 'rebuild');
  assert.deepEqual(above.manifest.layers.slice(0, -1), below.manifest.layers);
  assert.equal(above.manifest.annotations?.['org.opencontainers.image.base.digest'], below.descriptor.digest);
  assert.equal((await readdir(join(world.home, 'locks'))).join(), 'high.dockerfile.lock,low.dockerfile.lock');
  // Other steps, other times, the same content: it is unchanged, and `high` need not be built again.
  await world.context('low', { Dockerfile: `FROM ${world.base}\nRUN echo old > /low\nRUN echo low > /low` });
  const again = await port.build({ ...request, image: low, baseDigest: undefined }, signal);
  assert.notEqual(again.descriptor.digest, below.descriptor.digest);
  assert.equal(await port.holdsSame?.(again, below.descriptor.digest), true);
  assert.equal(await port.holdsSame?.(above, below.descriptor.digest), false);
  await world.context('low', { Dockerfile: `FROM ${world.base}\nRUN echo low > /low` });
  await world.context('high', { word: 'two' });
  const changed = await loadEngineFleet(fleetFile);
  assert.notEqual(changed.fleet.images[0]?.recipeDigest, high.recipeDigest);
  assert.equal(changed.fleet.images[1]?.recipeDigest, low.recipeDigest);
  await assert.rejects(
    port.build({ ...request, image: high, baseDigest: undefined }, signal),
    coded('IMAGE_BASE_UNKNOWN'),
  );
});

test('built twice: the same content, or the paths that differ', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const again = (folder: string) => () => world.build(folder, { mode: 'locked' });
  const same = await world.context('same', {
    Dockerfile: `FROM ${world.base}\nRUN mkdir -p /var/log /kept && echo x > /kept/$SOURCE_DATE_EPOCH && cat /proc/uptime > /var/log/x`,
  });
  await checkSecondBuild(await world.build(same), again(same), world.workshop());
  const other = await world.context('other', {
    Dockerfile: `FROM ${world.base}\nRUN mkdir /kept && cat /proc/sys/kernel/random/uuid > /kept/id`,
  });
  await assert.rejects(
    checkSecondBuild(await world.build(other), again(other), world.workshop()),
    coded('DOCKERFILE_NOT_REPRODUCIBLE', /~ kept\/id$/),
  );
});

test('a build ends with the process that started it, even when that is killed', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const cli = await openCli(context);
  const folder = await world.context('endless', {
    Dockerfile: `FROM ${world.base}\nRUN sleep 987654`,
  });
  const running = (): boolean =>
    execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n').includes('sleep 987654');
  const ended = cli.run(['build', folder, '-o', 'oci:out:x'], {
    started: async (child) => {
      for (let tries = 0; !running() && tries < 1200; tries += 1) await sleep(100);
      child.kill('SIGKILL');
    },
  });
  assert.equal((await ended).signal, 'SIGKILL');
  for (let tries = 0; running() && tries < 300; tries += 1) await sleep(100);
  assert.ok(!running());
});

test('what a rebuild of a Dockerfile fixes is told from what changed inside, by its distribution’s changelogs', async (context) => {
  const world = await openRebuildWorld(context);
  if (world === undefined) return;
  const home = homeAt(world.home);
  const workshop = openWorkshop({ home, log: silentLog, progress: silentProgress });
  const { snapshots } = await workshop.shelf('debian/bookworm', 'amd64');
  const current = snapshots.flatMap(({ packages }) => packages).find(({ name }) => name === 'libssl3')?.version;
  assert.ok(current !== undefined);
  const stanza = (version: string): string =>
    `Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: ${version}\nMaintainer: x\nDescription: x\n`;
  const folder = await world.context('app', {
    Dockerfile: 'FROM scratch\nCOPY root /',
    'root/etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n',
    'root/var/lib/dpkg/status': stanza('3.0.9-1'),
  });
  const fleetFile = join(world.folder, 'heraklit.yaml');
  await writeFile(
    fleetFile,
    `apiVersion: heraklit/v1\nkind: Fleet\nimages: [{ name: app, dockerfile: Dockerfile, source: { folder: app } }]\n`,
  );
  const sources = openSources({ home });
  const loaded = await loadEngineFleet(fleetFile, { sources });
  const [app] = loaded.fleet.images;
  assert.ok(app?.source !== undefined);
  const port = buildOf(loaded, 'amd64', workshop);
  const request = { image: app, strategy: 'rebuild', previousBaseDigest: undefined, baseDigest: undefined } as const;
  const { signal } = new AbortController();
  const before = await port.build({ ...request, previous: undefined }, signal);
  assert.deepEqual(before.advisoriesFixed, []);
  await writeFile(join(folder, 'root/var/lib/dpkg/status'), stanza(current));
  const changed = await loadEngineFleet(fleetFile, { sources });
  const [next] = changed.fleet.images;
  assert.ok(next?.source !== undefined && next.recipeDigest !== app.recipeDigest);
  const later = { ...request, image: next, previous: before.descriptor.digest };
  const after = await buildOf(changed, 'amd64', workshop).build(later, signal);
  assert.deepEqual(after.changes, [{ package: 'libssl3', architecture: 'amd64', from: '3.0.9-1', to: current }]);
  assert.ok(after.advisoriesFixed.includes('CVE-2023-5678'), after.advisoriesFixed.join());
  // Both can be made again: their files and locks are kept, whatever became of the folder.
  for (const [image, { descriptor }] of [
    [app, before],
    [next, after],
  ] as const) {
    const kept = await sources.store.findBuild(descriptor.digest);
    assert.deepEqual([kept?.tree, kept?.recipe], [image.source?.tree, 'Dockerfile']);
    assert.match(kept?.lock ?? '', /DockerfileLock/);
  }
});
