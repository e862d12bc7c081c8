/** Whatever the style of a file, only the bytes of the digest change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { notesOf } from './deployers.ts';
import { applyEdits } from './edit.ts';
import { findPlaces, parseFile } from './places.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [OURS, OTHER, NEW] = [digest('a'), digest('c'), digest('b')];
const REPOSITORY = 'registry.example.org:5000/team/web';
const RUNS = Number(process.env.HERAKLIT_TEST_RUNS ?? 150);

const style = fc.record({
  quote: fc.constantFrom('', '"', "'"),
  indent: fc.integer({ min: 1, max: 5 }),
  gap: fc.constantFrom(' ', '  ', '\t '),
  comment: fc.constantFrom('', '  # ours: sha256', ' # {"x": 1}', ' # ünïcödé 🚢'),
  anchor: fc.constantFrom('', '&img ', '!!str '),
  tag: fc.constantFrom('', ':latest', ':1.10', ':v1.2.3-rc.1'),
  lineBreak: fc.constantFrom('\n', '\r\n'),
  mark: fc.constantFrom('', '\ufeff', '---\n', '%YAML 1.2\n---\n', '# top\n\n'),
  before: fc.constantFrom(
    '',
    'kind: ConfigMap\nmetadata: { name: a }\ndata:\n  text: |\n    image: no/such:1\n---\n',
    '# only words\n---\n',
  ),
  after: fc.constantFrom(
    '',
    `---\nkind: Job\nmetadata: {name: j}\nspec: {image: "x/y@${OTHER}"}\n`,
    '...\n',
    '\n\n# end',
  ),
  end: fc.boolean(),
});
type Style = typeof style extends fc.Arbitrary<infer T> ? T : never;

const FORMS: Readonly<Record<string, (s: Style, value: (text: string) => string, pad: string) => string>> = {
  manifest: (s, value, pad) =>
    `kind: Deployment\nmetadata: {name: web,   namespace: shop}\nspec:\n${pad}containers:\n${pad}- name:  app\n${pad}  image:${s.gap}${value(`${REPOSITORY}${s.tag}@${OURS}`)}${s.comment}\n${pad}- { name: side, image: 'x/side@${OTHER}' }\n`,
  flow: (_, value) =>
    `kind: Deployment\nmetadata: {name: web}\nspec: { containers: [ {name: app,   image: ${value(`${REPOSITORY}:1@${OURS}`)} } , {image: x/y:1, name: z} ] }\n`,
  kustomize: (s, value, pad) =>
    `resources: [ ../base ]\nimages:\n${pad}- name: web${s.comment}\n${pad}  newName: ${REPOSITORY}\n${pad}  digest:${s.gap}${value(OURS)}${s.comment}\n${pad}- name: other\n${pad}  digest: ${OTHER}\n`,
  helm: (s, value, pad) =>
    `api:\n${pad}image:\n${pad}${pad}registry: registry.example.org:5000\n${pad}${pad}repository: team/web\n${pad}${pad}tag:${s.gap}${value(`v1@${OURS}`)}${s.comment}\n${pad}replicas: 1\n`,
  parameters: (s, value, pad) =>
    `helm:\n${pad}parameters:\n${pad}- name: image.repository\n${pad}  value: ${REPOSITORY}\n${pad}- name: image.tag\n${pad}  value: ${value(`v1@${OURS}`)}${s.comment}\n${pad}  forcestring: true\n`,
  argo: (s, value, pad) =>
    `kustomize:\n${pad}images:\n${pad}- ${value(`old=${REPOSITORY}${s.tag}@${OURS}`)}${s.comment}\n${pad}- x/y@${OTHER}\n`,
  literal: (s, _, pad) =>
    `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: { name: web }\nspec:\n${pad}source:\n${pad}${pad}helm:\n${pad}${pad}${pad}values: |${s.comment}\n${pad}${pad}${pad}${pad}# inside\n${pad}${pad}${pad}${pad}image:\n${pad}${pad}${pad}${pad}  repository: ${REPOSITORY}\n${pad}${pad}${pad}${pad}  digest: "${OURS}"\n\n${pad}${pad}${pad}${pad}x: 1\n`,
  patch: (s, value, pad) =>
    `patches:\n${pad}- target: { kind: Deployment }\n${pad}  patch: |-\n${pad}    - op: replace\n${pad}      path: /spec/template/spec/containers/0/image\n${pad}      value: ${value(`${REPOSITORY}@${OURS}`)}\n${s.comment.trimStart()}\n`,
};

function fileOf(s: Style, form: string): string {
  const value = (text: string): string =>
    `${s.anchor === '!!str ' || form === 'flow' || form === 'patch' ? '' : s.anchor}${s.quote}${text}${s.quote}`;
  const body = FORMS[form]?.(s, value, ' '.repeat(s.indent)) ?? '';
  // A byte order mark stands only at the very beginning, and directives before the first document.
  const top = s.mark.startsWith('%') && s.before !== '' ? '' : s.mark;
  const text = `${top}${s.before}${body}${s.after}`;
  return (s.end ? text : text.trimEnd()).replaceAll('\n', s.lineBreak);
}

test('one digest is exchanged in manifests, Kustomize, Helm, Argo CD, patches: every other byte stays', () => {
  fc.assert(
    fc.property(style, fc.constantFrom(...Object.keys(FORMS)), (s, form) => {
      const text = fileOf(s, form);
      const place = findPlaces(text).find(({ image }) => image.digest === OURS);
      assert.ok(place !== undefined, `no place in ${JSON.stringify(text)}`);
      assert.equal(place.image.repository, REPOSITORY);
      const edits = place.set({ ...place.image, digest: NEW });
      assert.ok(edits !== undefined);
      const after = applyEdits(text, edits);
      assert.equal(after, text.replace(OURS, NEW), JSON.stringify(text));
      assert.equal(findPlaces(after).find(({ name }) => name === place.name)?.image.digest, NEW);
    }),
    { numRuns: RUNS },
  );
});

test('JSON stays JSON with its own spacing, and says the same besides the digest', () => {
  const json = fc.record({
    space: fc.constantFrom(0, 1, 2, 4, '\t'),
    lineBreak: fc.constantFrom('\n', '\r\n'),
    text: fc.string(),
  });
  fc.assert(
    fc.property(json, ({ space, lineBreak, text: words }) => {
      const value = {
        kind: 'Deployment',
        metadata: { name: 'web', annotations: { words } },
        spec: {
          containers: [
            { name: 'app', image: `${REPOSITORY}@${OURS}` },
            { name: 'b', image: `x/y@${OTHER}` },
          ],
        },
      };
      const text = JSON.stringify(value, undefined, space).replaceAll('\n', lineBreak);
      const place = findPlaces(text).find(({ image }) => image.digest === OURS);
      assert.ok(place !== undefined);
      const after = applyEdits(text, place.set({ ...place.image, digest: NEW }) ?? []);
      assert.equal(after, text.replace(OURS, NEW));
      assert.equal(JSON.parse(after).spec.containers[0].image, `${REPOSITORY}@${NEW}`);
    }),
    { numRuns: RUNS },
  );
});

test('an alias is written where its anchor stands; what names no digest yet gets it and loses nothing', () => {
  const anchored = `x: &image ${REPOSITORY}:1@${OURS}\nimage: &again "${REPOSITORY}:1@${OURS}"\nspec: { image: *again }\n`;
  const [place, ...more] = findPlaces(anchored);
  assert.deepEqual([place?.name, more], ['image', []]);
  const after = applyEdits(anchored, place?.set({ ...(place?.image ?? { repository: '' }), digest: NEW }) ?? []);
  assert.equal(after, anchored.replace(`&again "${REPOSITORY}:1@${OURS}`, `&again "${REPOSITORY}:1@${NEW}`));
  const inner = `spec:\r\n  source:\r\n    helm:\r\n      values: |\r\n        images:\r\n        - name: ${REPOSITORY} # q\r\n          newTag: "1"\r\n      x: 1\r\n`;
  const [entry] = findPlaces(inner);
  assert.equal(entry?.name, 'spec.source.helm.values.images[registry.example.org:5000/team/web]');
  assert.equal(
    applyEdits(inner, entry?.set({ ...entry.image, digest: NEW }) ?? []),
    inner.replace('newTag: "1"\r\n', `newTag: "1"\r\n          digest: ${NEW}\r\n`),
  );
});

test('Argo CD parameter overrides of Applications and of .argocd-source files', () => {
  const sources = `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n  sources:\n  - repoURL: https://git.example.org/a\n    helm:\n      parameters:\n      - { name: image.name, value: ${REPOSITORY} }\n      - { name: image.tag, value: "1.0", forceString: true }\n      - { name: sidecar, value: 'x/side:1' }\n      - { name: replicas, value: "2" }\n      valuesObject: { job: { image: { repository: x/job, tag: v1 } } }\n    kustomize: { images: [ 'web=${REPOSITORY}:1.0' ] }\n`;
  const places = findPlaces(sources);
  assert.deepEqual(
    places.map(({ name, image }) => [name.replace('Application/argocd/web.spec.', ''), image.repository, image.tag]),
    [
      ['sources[0].helm.parameters[image]', REPOSITORY, '1.0'],
      ['sources[0].helm.parameters[sidecar]', 'x/side', '1'],
      ['sources[0].helm.valuesObject.job.image', 'x/job', 'v1'],
      [`sources[0].kustomize.images.${REPOSITORY}`, REPOSITORY, '1.0'],
    ],
  );
  const [parameter] = places;
  assert.equal(
    applyEdits(sources, parameter?.set({ ...(parameter?.image ?? { repository: '' }), digest: NEW }) ?? []),
    sources.replace('value: "1.0"', `value: "1.0@${NEW}"`),
  );
});

test('what Flux and Argo CD are told is known: held objects, manual syncs, windows, replacing, suspension', () => {
  const text = `kind: Deployment
metadata: { name: a, annotations: { kustomize.toolkit.fluxcd.io/reconcile: Disabled } }
spec: { image: x/a:1 }
---
kind: Deployment
metadata: { name: b, labels: { kustomize.toolkit.fluxcd.io/ssa: IfNotPresent } }
spec: { image: x/b:1 }
---
kind: Deployment
metadata: { name: c, annotations: { argocd.argoproj.io/sync-options: 'Prune=false,Replace=true' } }
spec: { image: x/c:1 }
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: manual }
spec: { project: default }
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: auto }
spec: { syncPolicy: { automated: {} } }
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: { name: shop }
spec: { syncWindows: [ { kind: deny, schedule: '0 22 * * *', duration: 8h, applications: ['*-prod'], timeZone: Europe/Berlin } ] }
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: { name: r }
spec: { suspend: true, values: {} }
`;
  assert.deepEqual(
    findPlaces(text).map(({ held }) => held ?? ''),
    [
      'Flux does not apply it (kustomize.toolkit.fluxcd.io/reconcile: disabled)',
      'Flux does not change it (kustomize.toolkit.fluxcd.io/ssa: IfNotPresent)',
      '',
    ],
  );
  assert.deepEqual(notesOf(parseFile(text)), [
    'Deployment c: Argo CD makes it anew (sync-options: Replace=true); its own strategy does not count',
    'Application manual: Argo CD syncs it when somebody asks (no syncPolicy.automated)',
    'AppProject shop: sync window deny (0 22 * * * for 8h, Europe/Berlin) of *-prod',
    'HelmRelease r: Flux is suspended (spec.suspend)',
  ]);
  assert.equal(parseAllDocuments(text).length, 7);
});
