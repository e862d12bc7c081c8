import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyEdits } from './edit.ts';
import { formatImageName } from './image-name.ts';
import { findPlaces } from './places.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

/** Writes digest B to the named place and gives the file. */
function written(text: string, name: string): string {
  const place = findPlaces(text).find((one) => one.name === name);
  assert.ok(place !== undefined, `${name} of ${findPlaces(text).map((one) => one.name)}`);
  const edits = place.set({ ...place.image, digest: B });
  assert.ok(edits !== undefined);
  return applyEdits(text, edits);
}

const MANIFEST = `# our shop
apiVersion: apps/v1
kind: Deployment
metadata: {name: web,   namespace: shop}   # odd spacing stays
spec:
  template:
    spec:
      initContainers:
      - {name: wait, image: 'busybox:1.36'}
      containers:
        - name:  app
          image: "registry.example.org/team/web:latest@${A}"   # pinned
          args: [ --image, x:1 ]
        - image: docker.io/library/envoy:v1
          name: proxy
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
data:
  text: |
    image: not/this:1
`;

test('Kubernetes manifests: one scalar changes, every other byte stays', () => {
  assert.deepEqual(
    findPlaces(MANIFEST).map(({ name, image }) => [name, formatImageName(image)]),
    [
      ['Deployment/shop/web.spec.template.spec.initContainers[wait].image', 'busybox:1.36'],
      ['Deployment/shop/web.spec.template.spec.containers[app].image', `registry.example.org/team/web:latest@${A}`],
      ['Deployment/shop/web.spec.template.spec.containers[proxy].image', 'docker.io/library/envoy:v1'],
    ],
  );
  assert.equal(
    written(MANIFEST, 'Deployment/shop/web.spec.template.spec.containers[app].image'),
    MANIFEST.replace(A, B),
  );
  assert.equal(
    written(MANIFEST, 'Deployment/shop/web.spec.template.spec.initContainers[wait].image'),
    MANIFEST.replace("'busybox:1.36'", `'busybox:1.36@${B}'`),
  );
  const windows = MANIFEST.replaceAll('\n', '\r\n');
  assert.equal(written(windows, 'Deployment/shop/web.spec.template.spec.containers[app].image'), windows.replace(A, B));
});

test('Kustomize: digest replaced, or put below', () => {
  const text = `images:\n  # the shop\n  - name: web   # as in the base\n    newName: registry.example.org/team/web\n    newTag: "1.0"\n- name: x\n`;
  const fine = text.replace('- name: x\n', `  - name: other\n    digest: ${A} # d\n`);
  assert.equal(written(fine, 'images[web]'), fine.replace('newTag: "1.0"\n', `newTag: "1.0"\n    digest: ${B}\n`));
  assert.equal(written(fine, 'images[other]'), fine.replace(A, B));
  assert.deepEqual(findPlaces(text), [], 'broken YAML has no places');
});

test('Kustomize in flow style and in JSON stays what it is', () => {
  const flow = `images: [{name: web, newTag: '1'}]  # short\n`;
  assert.equal(written(flow, 'images[web]'), flow.replace("'1'", `'1', "digest": "${B}"`));
  const json = `{\n  "images": [\n    {\n      "name": "web"\n    }\n  ]\n}\n`;
  assert.deepEqual(JSON.parse(written(json, 'images[web]')), { images: [{ name: 'web', digest: B }] });
});

test('Helm values: digest, tag, registry', () => {
  const text = `image:\n  registry: registry.example.org\n  repository: team/web\n  tag: 1.10 # text to us\n  pullPolicy: Always\nsidecar:\n  image: { repository: x/y, digest: "${A}" }\n`;
  assert.deepEqual(
    findPlaces(text).map(({ name, image }) => [name, image.repository, image.tag]),
    [
      ['image', 'registry.example.org/team/web', '1.10'],
      ['sidecar.image', 'x/y', undefined],
    ],
  );
  assert.equal(written(text, 'image'), text.replace('tag: 1.10', `tag: 1.10@${B}`));
  assert.equal(written(written(text, 'image'), 'image'), text.replace('tag: 1.10', `tag: 1.10@${B}`));
  assert.equal(written(text, 'sidecar.image'), text.replace(A, B));
});

test('Flux setters and Argo CD', () => {
  const flux = `kind: HelmRelease\nmetadata:\n  name: web\nspec:\n  values:\n    image:\n      repository: registry.example.org/team/web # {"$imagepolicy": "flux-system:web:name"}\n      tag: "1.0" # {"$imagepolicy": "flux-system:web:tag"}\n    odd: registry.example.org/team/web:1.0 # {"$imagepolicy": "flux-system:web"}\n`;
  assert.equal(written(flux, 'HelmRelease/web.spec.values.image.tag'), flux.replace('"1.0"', `"1.0@${B}"`));
  assert.equal(written(flux, 'HelmRelease/web.spec.values.odd'), flux.replace('web:1.0 ', `web:1.0@${B} `));
  const argo = `kustomize:\n  images:\n  - registry.example.org/team/web:latest@${A}\n  - old=registry.example.org/team/api:v1\n`;
  const [web, api] = findPlaces(argo).map(({ name }) => name);
  assert.equal(written(argo, web ?? ''), argo.replace(A, B));
  assert.equal(written(argo, api ?? ''), argo.replace('api:v1', `api:v1@${B}`));
});

test('whatever the file, writing changes the named value and nothing else of what it says', () => {
  const key = fc.stringMatching(/^[a-z]{1,6}$/);
  const image = fc.constantFrom(
    'a/b:1',
    `a/b@${A}`,
    'registry.example.org:5000/x/y:latest',
    '{{ .Values.image }}',
    '',
    'not an image',
  );
  const node = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      image,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 3 }),
      tie('map'),
    ),
    map: fc.dictionary(
      fc.oneof(key, fc.constantFrom('image', 'images', 'repository', 'tag', 'digest', 'name')),
      tie('node'),
      { maxKeys: 4 },
    ),
  })).map;
  fc.assert(
    fc.property(node, (value) => {
      const text = `# first\n${JSON.stringify(value, undefined, 2)} # last\n`;
      for (const place of findPlaces(text)) {
        const edits = place.set({ ...place.image, digest: B });
        if (edits === undefined) continue;
        const after = applyEdits(text, edits);
        const again = findPlaces(after).find(({ name }) => name === place.name);
        assert.equal(again?.image.digest, B);
        assert.equal(again?.image.repository, place.image.repository);
        assert.equal(findPlaces(after).length, findPlaces(text).length);
        assert.ok(after.startsWith('# first\n') && after.endsWith(' # last\n'));
      }
    }),
    { numRuns: 300 },
  );
  fc.assert(fc.property(fc.string(), (text) => void findPlaces(text)));
});
