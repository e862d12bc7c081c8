import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { changedLines, diffManifests } from './changes.ts';
import { writeChart } from './chart-files.ts';
import { imagePlaces, manifestImages, parseImage } from './image-places.ts';
import { labelsWith, maskSecrets, workloadsOf } from './manifest.ts';
import { readRelease, type Values } from './release.ts';
import { parseVersion, rollbackWords, simulateWords, upgradeWords } from './upgrade.ts';
import { listValues, mergeValues, plainValues, setString } from './values.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const packed = (release: unknown): string =>
  Buffer.from(gzipSync(JSON.stringify(release)).toString('base64')).toString('base64');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('a release is read as Helm keeps it', async (context) => {
  const release = readRelease(
    packed({
      ...{ name: 'web', namespace: 'shop', version: 3, info: { status: 'deployed' }, config: { a: 1 }, manifest: 'x' },
      chart: {
        metadata: { name: 'web', version: '1.0.0', apiVersion: 'v2' },
        templates: [{ name: 'templates/web.yaml', data: base64('kind: Deployment') }],
        ...{ files: [{ name: 'README.md', data: base64('read') }], values: { a: 0 }, schema: base64('{}') },
      },
    }),
    'shop/sh.helm.release.v1.web.v3',
  );
  assert.deepEqual([release.name, release.revision, release.status, release.config], ['web', 3, 'deployed', { a: 1 }]);
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-chart-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeChart(release, folder);
  assert.equal(await readFile(join(folder, 'templates/web.yaml'), 'utf8'), 'kind: Deployment');
  assert.equal(await readFile(join(folder, 'values.yaml'), 'utf8'), '{"a":0}');
  assert.match(await readFile(join(folder, 'Chart.yaml'), 'utf8'), /"apiVersion":"v2"/);
  assert.equal(await readFile(join(folder, 'values.schema.json'), 'utf8'), '{}');
  for (const name of ['../evil', '/etc/evil', 'a/../../evil', '..\\evil']) {
    const bad = { ...release, chart: { ...release.chart, files: [{ name, data: '' }] } };
    await assert.rejects(writeChart(bad, folder), (error) => isHeraklitError(error, 'HELM_RELEASE_INVALID'), name);
  }
  const dependent = { ...release, chart: { ...release.chart, dependencies: 1 } };
  await assert.rejects(writeChart(dependent, folder), (error) => isHeraklitError(error, 'HELM_CHART_INCOMPLETE'));
});

test('what is no release is refused, whatever it is', () => {
  const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
  for (const data of [
    '',
    'not base64 at all',
    packed([]),
    packed(null),
    packed({ name: '../x', version: 1 }),
    packed({ name: 'x', version: 'one' }),
    Buffer.from(bomb.toString('base64')).toString('base64'),
    'A'.repeat(5 * 1024 * 1024),
  ]) {
    assert.throws(
      () => readRelease(data, 'x'),
      (error) => isHeraklitError(error, 'HELM_RELEASE_INVALID'),
    );
  }
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const release = readRelease(
        packed({ ...(json as object), name: 'x', version: 1, chart: json, config: json }),
        'x',
      );
      void imagePlaces({ ...release, manifest: 'image: a' });
    }),
  );
});

const places = (values: Values, images: readonly string[], config: Values = {}, metadata: Values = {}) => {
  const chart = {
    ...{ name: 'c', metadata, values, templates: [], files: [], schema: '', dependencies: 0 },
  };
  return imagePlaces({ chart, config, manifest: images.map((one) => `      - image: "${one}"`).join('\n') });
};
const NEW = { repository: 'r.example/web', tag: '2', digest: DIGEST };
const sets = (...given: Parameters<typeof places>): unknown =>
  places(...given).map((place) => {
    const set = place.set(NEW);
    return [place.name, typeof set === 'string' ? set : set.map(([path, text]) => setString(path, text))];
  });

test('values of the usual charts: what names the image that runs, and how another is named', () => {
  // `helm create`: the tag is the chart's appVersion when empty.
  const created = { image: { repository: 'r.example/web', pullPolicy: 'IfNotPresent', tag: '' } };
  assert.deepEqual(sets(created, ['r.example/web:1.16'], {}, { appVersion: '1.16' }), [
    ['image', [`image.tag=2@${DIGEST}`]],
  ]);
  // registry, repository, tag and digest, the user's values over the chart's.
  const bitnami = {
    global: { imageRegistry: '' },
    image: { registry: 'docker.io', repository: 'x/web', tag: '1', digest: '' },
  };
  assert.deepEqual(sets(bitnami, ['docker.io/x/web:1']), [
    ['image', ['image.registry=r.example', 'image.repository=web', `image.digest=${DIGEST}`, 'image.tag=2']],
  ]);
  assert.deepEqual(sets(bitnami, ['r.example/web:1'], { image: { registry: 'r.example', repository: 'web' } }), [
    ['image', [`image.digest=${DIGEST}`, 'image.tag=2']],
  ]);
  assert.deepEqual(sets(bitnami, ['r.example/x/web:1'], { global: { imageRegistry: 'r.example' } }), [
    ['image', ['image.repository=web', `image.digest=${DIGEST}`, 'image.tag=2']],
  ]);
  assert.match(
    JSON.stringify(sets(bitnami, ['other/x/web:1'], { global: { imageRegistry: 'other' } })),
    /\[\]|lies on r.example/,
  );
  // A text, nested, in lists, with the tag beside it, and a map by name.
  assert.deepEqual(
    sets({ api: { image: 'r.example/web:1' }, sidecars: [{ image: 'proxy' }] }, ['r.example/web:1', 'proxy']),
    [
      ['api.image', [`api.image=r.example/web:2@${DIGEST}`]],
      ['sidecars[0].image', [`sidecars[0].image=r.example/web:2@${DIGEST}`]],
    ],
  );
  assert.deepEqual(sets({ image: 'r.example/web', imageTag: '1' }, ['r.example/web:1']), [
    ['image', ['image=r.example/web', `imageTag=2@${DIGEST}`]],
  ]);
  assert.deepEqual(sets({ workerImage: { name: 'r.example/web', tag: 1 } }, ['r.example/web:1']), [
    ['workerImage', [`workerImage.tag=2@${DIGEST}`]],
  ]);
  // Switched off, a git repository, no image at all.
  const other = {
    metrics: { image: { repository: 'exporter', tag: '1' } },
    git: { repository: 'https://x/y', tag: 'v1' },
  };
  assert.deepEqual(sets({ ...other, backgroundImage: 'a picture', replicas: 2 }, ['r.example/web:1']), []);
  assert.deepEqual(
    sets({ image: { repository: 'nginx', tag: '1' } }, ['docker.io/library/nginx:1'])?.toString(),
    [['image', ['image.repository=r.example/web', `image.tag=2@${DIGEST}`]]].toString(),
  );
});

test('--set: what its language means otherwise is escaped', () => {
  assert.equal(setString(['a.b', 'c', 0, 'd=e'], 'x,y\\z'), 'a\\.b.c[0].d\\=e=x\\,y\\\\z');
  assert.deepEqual(mergeValues({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: null, c: 4 }, d: null, e: [1] }), {
    ...{ a: { c: 4 }, e: [1] },
  });
  assert.equal(parseImage('host:5000/a/b:1@nonsense'), undefined);
  assert.deepEqual(parseImage('host:5000/a'), { repository: 'host:5000/a', tag: undefined, digest: undefined });
});

test('a difference makes one text of the other, and is shown with what is around it', () => {
  const line = fc.constantFrom('a', 'b', 'c', 'd');
  fc.assert(
    fc.property(fc.array(line), fc.array(line), (before, after) => {
      const lines = diffManifests(before.join('\n'), after.join('\n'));
      const side = (kind: 'old' | 'new'): string =>
        lines.flatMap((one) => (one.kind === 'same' || one.kind === kind ? [one.text] : [])).join('\n');
      assert.deepEqual([side('old'), side('new')], [before.join('\n'), after.join('\n')]);
    }),
  );
  const text = Array.from({ length: 20 }, (_, at) => `line ${at}`);
  const now = text.with(9, 'image: new').join('\n');
  assert.deepEqual(changedLines(diffManifests(text.join('\n'), now), 1), [
    '@@',
    ' line 8',
    '-line 9',
    '+image: new',
    ' line 10',
  ]);
});

test('values in lists: the whole list is set, since helm replaces lists', () => {
  const cars = [{ image: 'a:1', more: [1, null] }, { image: { name: 'b', tag: '1' } }];
  const values = JSON.parse(JSON.stringify({ deep: { cars, other: 1 }, __proto__x: 1 }));
  const set = [
    [['deep', 'cars', 0, 'image'], 'a:2'],
    [['deep', 'cars', 1, 'image', 'tag'], '2'],
    [['image', 'tag'], '3'],
  ] as const;
  assert.deepEqual(listValues(values, set), {
    deep: { cars: [{ image: 'a:2', more: [1, null] }, { image: { name: 'b', tag: '2' } }] },
  });
  assert.deepEqual(values.deep.cars, cars, 'what it was made of is as it was');
  assert.deepEqual(plainValues(set), [set[2]]);
  assert.equal(listValues(values, [set[2]]), undefined);
  const hostile = JSON.parse('{"__proto__":{"cars":[{"image":"a"}]}}');
  const own = listValues(hostile, [[['__proto__', 'cars', 0, 'image'], 'b']]);
  assert.equal(JSON.stringify(own), '{"__proto__":{"cars":[{"image":"b"}]}}');
  assert.equal(({} as { cars?: unknown }).cars, undefined);
});

test('each helm is asked in words that it knows, and keeps what its operator keeps', () => {
  const words = { release: { name: 'web', namespace: 'shop', revision: 3 }, chart: 'c', set: [], timeout: 1_500 };
  const said = (version: string, more: object = {}) => simulateWords({ ...words, ...more }, {}, parseVersion(version));
  assert.deepEqual(said('v3.17.2+gcc0bbbd').slice(5), [
    ...['--reset-then-reuse-values', '--output', 'json', '--timeout', '2s', '--dry-run=server'],
  ]);
  assert.ok(said('v3.13.0').includes('--reuse-values') && said('v3.13.0').includes('--dry-run=server'));
  assert.ok(said('v3.9.1').includes('--dry-run') && said('nonsense').includes('--dry-run'));
  assert.ok(upgradeWords(words, {}, parseVersion('v4.1.4')).includes('--wait'));
  assert.ok(!said('v4.0.0', { kept: 10 }).includes('--history-max'));
  assert.deepEqual(rollbackWords({ ...words, kept: 12 }, { context: 'c' }).slice(5, 7), ['--history-max', '13']);
  for (const host of ['127.0.0.1:5000', 'localhost', '[::1]:5000']) {
    assert.ok(said('v4.1.4', { chart: `oci://${host}/charts/web` }).includes('--plain-http'), host);
  }
  for (const chart of ['oci://r.example/charts/web', './localhost/x', 'oci://localhost.example/x']) {
    assert.ok(!said('v4.1.4', { chart }).includes('--plain-http'), chart);
  }
});

test('manifests: images however they are written, workloads, labels that hold a digest, secrets unseen', async () => {
  const manifest = `---
# Source: a
kind: Deployment
metadata: { name: web, labels: { version: "1@${DIGEST}" } }
spec: { template: { spec: { containers: [{ name: c, image: "a:1" }, { "image": b@${DIGEST}, name: d }] } } }
---
kind: Service
apiVersion: serving.knative.dev/v1
metadata: { name: fn, namespace: other }
---
kind: Service
metadata: { name: web }
--- # broken
kind: [
---
kind: Secret
metadata: { name: s }
data: { key: aHVudGVyMg== }
`;
  assert.deepEqual(
    manifestImages(manifest).map(({ repository }) => repository),
    ['a', 'b'],
  );
  assert.deepEqual(await workloadsOf(manifest, 'shop'), [
    { kind: 'Deployment', namespace: 'shop', name: 'web' },
    { kind: 'KnativeService', namespace: 'other', name: 'fn' },
  ]);
  assert.deepEqual(await labelsWith(manifest, DIGEST), ['Deployment web: metadata.labels.version']);
  const masked = await maskSecrets(manifest);
  assert.doesNotMatch(masked, /aHVudGVyMg/);
  assert.match(masked, /key: "?\*\*\* [0-9a-f]{12}/);
  assert.equal(await maskSecrets(manifest), masked, 'the same value looks the same');
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.jsonValue(), async (text, json) => {
      for (const one of [text, `kind: Secret\n${text}`, `---\n${JSON.stringify(json)}`]) {
        await maskSecrets(one);
        await workloadsOf(one, 'n');
        await labelsWith(one, DIGEST);
      }
    }),
  );
});
