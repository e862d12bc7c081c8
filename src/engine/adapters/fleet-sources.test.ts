import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt } from '../../base/index.ts';
import { openSources } from '../../source/index.ts';
import { sourceOf } from './fleet-sources.ts';
import { loadEngineFleet } from './load-fleet.ts';

const recipe = (name: string, more = ''): string =>
  `apiVersion: heraklit/v1\nkind: Image\nname: ${name}\ndistribution: debian/trixie\n${more}`;

test('images from sources: what is wrong with one is its own problem, and it stays what it was', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-sources-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'heraklit.yaml');
  const named = (images: string): Promise<void> =>
    writeFile(file, `apiVersion: heraklit/v1\nkind: Fleet\nimages: [${images}]\n`);
  await mkdir(join(folder, 'repository'));
  await writeFile(join(folder, 'repository', 'web.yaml'), recipe('web'));
  const look = { sources: openSources({ home: homeAt(join(folder, 'home')) }) };
  const web = '{ name: web, source: { folder: repository }, recipe: web.yaml }';
  await named(web);
  await assert.rejects(loadEngineFleet(file), { code: 'FLEET_SOURCES_UNKNOWN' });
  const first = await loadEngineFleet(file, look);
  const [image] = first.fleet.images;
  assert.equal(image?.state, 'enabled');
  assert.match(image?.source?.tree ?? '', /^sha256:/);

  // Another file of the source: the same recipe, so nothing to build.
  await writeFile(join(folder, 'repository', 'README.md'), 'hello\n');
  const second = await loadEngineFleet(file, look);
  assert.notEqual(second.fleet.images[0]?.source?.tree, image?.source?.tree);
  assert.equal(second.fleet.images[0]?.recipeDigest, image?.recipeDigest);

  // Gone, it stays at what it was, and that is said; not asked, it is not missed.
  await rm(join(folder, 'repository'), { recursive: true });
  const third = await loadEngineFleet(file, look);
  assert.deepEqual(third.fleet.images, second.fleet.images);
  assert.deepEqual(
    third.problems.map(({ code, image: name }) => [code, name]),
    [['SOURCE_REF_UNKNOWN', 'web']],
  );
  assert.deepEqual((await loadEngineFleet(file, { ...look, images: new Set(['other']) })).problems, []);

  await mkdir(join(folder, 'repository'));
  // Dockerfiles too: what is in one is looked at, and what is wrong with it is its own problem.
  await writeFile(join(folder, 'repository', 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  await named('{ name: app, source: { folder: repository }, dockerfile: Dockerfile }');
  const [app] = (await loadEngineFleet(file, look)).fleet.images;
  assert.deepEqual([app?.recipe, app?.state, typeof app?.recipeDigest], ['dockerfile', 'enabled', 'string']);
  await writeFile(join(folder, 'repository', 'Dockerfile'), 'COPY nothing\n');
  const wrong = await loadEngineFleet(file, look);
  assert.deepEqual([wrong.fleet.images[0]?.state, wrong.problems.length], ['disabled', 1]);
  for (const [images, code] of [
    ['{ name: web, source: { folder: repository }, recipe: none.yaml }', 'RECIPE_UNREADABLE'],
    ['{ name: web, source: { folder: nowhere }, recipe: web.yaml }', 'SOURCE_REF_UNKNOWN'],
    ['{ name: other, source: { folder: repository }, recipe: web.yaml }', 'FLEET_RECIPE_NAME'],
  ] as const) {
    await writeFile(join(folder, 'repository', 'web.yaml'), recipe('web'));
    await named(`${images}, { name: up, upstream: "oci:x" }`);
    const loaded = await loadEngineFleet(file, look);
    assert.deepEqual(
      loaded.problems.map((one) => one.code),
      [code],
    );
    assert.deepEqual(loaded.fleet.images.map(({ state }) => state).sort(), ['disabled', 'enabled']);
  }
  for (const images of [
    '{ name: web, source: { folder: repository }, recipe: ../outside.yaml }',
    '{ source: { folder: r }, recipe: a.yaml }',
    '{ name: a, source: {}, recipe: a }',
    '{ name: a, upstream: b, source: { folder: r } }',
  ]) {
    await named(images);
    await assert.rejects(loadEngineFleet(file, look), { code: 'RECIPE_INVALID' });
  }
});

test('files of a source lie beside the fleet file', () => {
  const git = {
    url: 'git@example.org:a/b.git',
    caFile: 'ca.pem',
    credentials: { username: 'robot', passwordFile: 'token', sshKeyFile: '/abs/key' },
  };
  assert.deepEqual(sourceOf({ git }, '/fleet'), {
    kind: 'git',
    git: {
      url: git.url,
      caFile: '/fleet/ca.pem',
      credentials: { username: 'robot', passwordFile: '/fleet/token', sshKeyFile: '/abs/key' },
    },
  });
  const archive = { location: 'a.tar.gz', sha256: '0'.repeat(64) };
  assert.deepEqual(sourceOf({ archive }, '/fleet'), {
    kind: 'archive',
    archive: { ...archive, location: '/fleet/a.tar.gz' },
  });
  assert.deepEqual(sourceOf({ folder: '../x' }, '/fleet'), { kind: 'folder', folder: { folder: '/x' } });
});
