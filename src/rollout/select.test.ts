import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import type { Digest } from '../oci/index.ts';
import type { Workload } from '../runtime/index.ts';
import { fightsOf, leftToSystemd, repositoryOf, selectSlots } from './select.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [OLD, NEW] = [digestOf('1'), digestOf('2')];
const at = (digest: Digest, repository = 'registry.example/shop/web'): string => `${repository}@${digest}`;

test('only matching containers of a pod change', () => {
  const container = (name: string, repository: string) => ({ name, image: at(OLD, repository), digest: undefined });
  const containers = [container('web', 'registry.example/shop/web'), container('proxy', 'registry.example/proxy')];
  const pod: Workload = {
    id: 'k',
    kind: 'Deployment',
    name: 'shop',
    namespace: 'x',
    image: '',
    digest: undefined,
    containers,
    replicas: 2,
  };
  const slots = selectSlots([pod], { image: at(NEW), digest: NEW }, ['x/shop'], new Set());
  assert.deepEqual(
    slots.map((slot) => slot.container),
    ['web'],
  );
  const named = { image: at(NEW), digest: NEW, container: 'proxy' };
  assert.deepEqual(
    selectSlots([pod], named, ['x/shop'], new Set()).map((slot) => slot.container),
    ['proxy'],
  );
  assert.throws(
    () => selectSlots([pod], { ...named, container: 'db' }, ['x/shop'], new Set()),
    (error) => isHeraklitError(error, 'ROLLOUT_WORKLOAD_UNKNOWN') && /web, proxy/.test(error.hint ?? ''),
  );
  assert.equal(repositoryOf('host:5000/a/b:tag@sha256:x'), 'host:5000/a/b');
  assert.equal(repositoryOf('host:5000/a'), 'host:5000/a');
});

test('what another writes is left to it, unless it is asked for by name', () => {
  const made = (name: string, managedBy?: Workload['managedBy']): Workload => ({
    ...{
      id: `kubernetes:c/x/Deployment/${name}`,
      kind: 'Deployment',
      name,
      namespace: 'x',
      image: at(OLD),
      digest: OLD,
      replicas: 1,
    },
    containers: [{ name: 'web', image: at(OLD), digest: OLD }],
    ...(managedBy === undefined ? {} : { managedBy }),
  });
  const release: Workload = { ...made('release'), id: 'helm:c/x/release', kind: 'HelmRelease' };
  const workloads = [
    ...[made('own'), made('flux', { by: 'flux', id: 'flux-system/apps' }), made('argo', { by: 'argocd', id: 'shop' })],
    ...[made('helm', { by: 'helm', id: release.id }), made('unlisted', { by: 'helm', id: 'helm:c/y/other' }), release],
  ];
  const target = { image: at(NEW), digest: NEW };
  const named = (asked: readonly string[]) =>
    selectSlots(workloads, target, asked, new Set()).map((one) => one.workload.name);
  assert.deepEqual(named([]), ['own', 'unlisted', 'release']);
  assert.deepEqual(named(['flux', 'helm']), ['flux', 'helm']);
  const unit = { ...made('unit', { by: 'systemd', id: 'web.service' }), id: 'podman:unit' };
  const other = { ...unit, containers: [{ name: 'x', image: 'r.example/other:1', digest: OLD }] };
  assert.deepEqual(selectSlots([unit], target, [], new Set()), []);
  assert.match(leftToSystemd([unit, other], at(NEW), []).join(), /^podman:unit is left to systemd's unit web\.service/);
  assert.deepEqual(leftToSystemd([unit], at(NEW), [{ workload: unit }]), []);
  assert.deepEqual(fightsOf(workloads.filter(({ name }) => name === 'unlisted' || name === 'argo')), [
    'kubernetes:c/x/Deployment/argo is written by argocd (shop), which takes the image back',
    'kubernetes:c/x/Deployment/unlisted belongs to helm:c/y/other: its next helm upgrade takes the image back',
  ]);
});
