import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pod, WorkloadObject } from '../objects.ts';
import { definitionRecord, ownerRecord, podRecord } from './records.ts';
import { WorkloadJoin } from './workload-join.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const controller = (kind: string, name: string) => ({ kind, name, controller: true });

function pod(name: string, letter: string, owner?: { kind: string; name: string }, more: object = {}): Pod {
  return {
    metadata: { name, namespace: 'shop', ...(owner === undefined ? {} : { ownerReferences: [owner] }), ...more },
    spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'web', imageID: `registry.example/web@${digest(letter)}` }],
    },
  };
}
const deployment = (image = 'registry.example/web:1'): WorkloadObject => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas: 2, template: { spec: { containers: [{ name: 'web', image }] } } },
});
const setPod = (join: WorkloadJoin, one: Pod): void => join.setPod(`shop/${one.metadata.name}`, podRecord(one));

test('pods are the Deployment’s behind their ReplicaSet; replicas that disagree are told one by one', () => {
  const join = new WorkloadJoin('c');
  join.setOwner(
    'ReplicaSet',
    'shop/web-1',
    ownerRecord({ metadata: { name: 'web-1', namespace: 'shop', ownerReferences: [controller('Deployment', 'web')] } }),
  );
  join.setDefinition('Deployment', 'shop/web', definitionRecord('Deployment', deployment()));
  setPod(join, pod('a', '1', controller('ReplicaSet', 'web-1')));
  const [one] = join.take().changed;
  assert.deepEqual([one?.id, one?.ready, one?.replicas], ['kubernetes:c/shop/Deployment/web', 1, 2]);
  assert.deepEqual(one?.containers, [
    { name: 'web', role: 'container', image: 'registry.example/web:1', digest: digest('1'), running: [] },
  ]);
  setPod(join, pod('b', '2', controller('ReplicaSet', 'web-1')));
  const [container] = join.take().changed[0]?.containers ?? [];
  assert.equal(container?.digest, undefined);
  assert.deepEqual(container?.running, [
    { digest: digest('1'), replicas: 1 },
    { digest: digest('2'), replicas: 1 },
  ]);
  // Nothing that counts has changed: nothing is told.
  setPod(join, {
    ...pod('b', '2', controller('ReplicaSet', 'web-1')),
    metadata: { ...pod('b', '2', controller('ReplicaSet', 'web-1')).metadata, annotations: { x: 'y' } },
  });
  assert.deepEqual(join.take(), { changed: [], gone: [] });
  join.setPod('shop/a', undefined);
  join.setPod('shop/b', undefined);
  assert.equal(join.take().changed[0]?.ready, 0);
  join.setDefinition('Deployment', 'shop/web', undefined);
  assert.deepEqual(join.take(), { changed: [], gone: ['kubernetes:c/shop/Deployment/web'] });
});

test('owners of every kind, and pods of nobody', () => {
  const join = new WorkloadJoin('c');
  join.setOwner(
    'ReplicaSet',
    'shop/roll-5',
    ownerRecord({ metadata: { name: 'roll-5', namespace: 'shop', ownerReferences: [controller('Rollout', 'roll')] } }),
  );
  join.setOwner('ReplicaSet', 'shop/bare', ownerRecord({ metadata: { name: 'bare', namespace: 'shop' } }));
  join.setOwner(
    'Job',
    'shop/nightly-1',
    ownerRecord({
      metadata: { name: 'nightly-1', namespace: 'shop', ownerReferences: [controller('CronJob', 'nightly')] },
    }),
  );
  setPod(join, pod('a', '1', controller('ReplicaSet', 'roll-5')));
  setPod(join, pod('b', '1', controller('ReplicaSet', 'bare')));
  setPod(join, pod('c', '1', controller('Job', 'nightly-1')));
  setPod(join, pod('d', '1', controller('Job', 'once')));
  setPod(join, pod('e', '1', controller('Cluster', 'postgres')));
  setPod(join, pod('f', '1'));
  setPod(join, pod('g', '1', controller('Node', 'node-1')));
  // ReplicaSets that were not seen, or may not be read.
  setPod(join, pod('h', '1', controller('ReplicaSet', 'x-6f'), { labels: { 'pod-template-hash': '6f' } }));
  setPod(join, pod('i', '1', controller('ReplicaSet', 'y-7'), { labels: { 'rollouts-pod-template-hash': '7' } }));
  assert.deepEqual(
    join
      .take()
      .changed.map(({ id }) => id.slice('kubernetes:c/shop/'.length))
      .sort(),
    [
      'Cluster/postgres',
      'CronJob/nightly',
      'Deployment/x',
      'Job/once',
      'Pod/f',
      'Pod/g',
      'ReplicaSet/bare',
      'Rollout/roll',
      'Rollout/y',
    ],
  );
});

test('init, ephemeral and injected containers are told apart', () => {
  const join = new WorkloadJoin('c');
  join.setDefinition('Deployment', 'shop/web', definitionRecord('Deployment', deployment()));
  const plain = pod('a', '1', controller('ReplicaSet', 'web-1'), { labels: { 'pod-template-hash': '1' } });
  setPod(join, {
    ...plain,
    spec: {
      containers: [...(plain.spec?.containers ?? []), { name: 'proxy', image: 'mesh:1' }],
      initContainers: [{ name: 'init', image: 'init:1' }],
      ephemeralContainers: [{ name: 'debug', image: 'tools:1' }],
    },
    status: { ...plain.status, initContainerStatuses: [{ name: 'init', imageID: `docker://${digest('9')}` }] },
  });
  const containers = join.take().changed[0]?.containers ?? [];
  assert.deepEqual(
    containers.map(({ name, role }) => `${name} ${role}`),
    ['web container', 'proxy injected', 'init init', 'debug ephemeral'],
  );
  // A configuration's digest cannot be pulled.
  assert.deepEqual(containers[2], {
    name: 'init',
    role: 'init',
    image: 'init:1',
    digest: undefined,
    running: [{ digest: digest('9'), replicas: 1 }],
  });
});

test('in whatever order objects come, the end is the same', () => {
  const owners = ['web-1', 'web-2'].map((name) =>
    ownerRecord({ metadata: { name, namespace: 'shop', ownerReferences: [controller('Deployment', 'web')] } }),
  );
  const steps: ((join: WorkloadJoin) => void)[] = [
    ...owners.map((owner) => (join: WorkloadJoin) => join.setOwner('ReplicaSet', `shop/${owner.name}`, owner)),
    (join) => join.setDefinition('Deployment', 'shop/web', definitionRecord('Deployment', deployment())),
    ...['a', 'b', 'c'].map(
      (name, i) => (join: WorkloadJoin) =>
        setPod(join, pod(name, String(i), controller('ReplicaSet', `web-${1 + (i % 2)}`))),
    ),
    (join) => setPod(join, pod('bare', '7')),
  ];
  const outcome = (order: readonly number[], takes: boolean): unknown => {
    const join = new WorkloadJoin('c');
    const known = new Map<string, unknown>();
    const take = (): void => {
      const { changed, gone } = join.take();
      for (const one of changed) known.set(one.id, one);
      for (const id of gone) known.delete(id);
    };
    for (const index of order) {
      steps[index]?.(join);
      if (takes) take();
    }
    take();
    return [...known].sort(([a], [b]) => (a < b ? -1 : 1));
  };
  const all = steps.map((_, i) => i);
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.boolean(), (order, takes) =>
      assert.deepEqual(outcome(order, takes), outcome(all, false)),
    ),
  );
});
