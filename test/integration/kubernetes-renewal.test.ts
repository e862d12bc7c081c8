import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createKubernetesRuntime,
  type RenewalRequest,
  type Workload,
  type WorkloadRuntime,
} from '../../src/runtime/index.ts';
import { created, eventually, openTestCluster, type TestCluster } from '../support/cluster.ts';
import { PLAYED_IMAGES } from '../support/played-images.ts';

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
type Kind = (typeof KINDS)[number];
const image = process.env.HERAKLIT_TEST_CLUSTER_IMAGES?.split(',')[0] ?? PLAYED_IMAGES[0];

const pathOf = ({ namespace }: TestCluster, kind: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;

async function create(cluster: TestCluster, kind: Kind, name: string, more: object = {}): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } };
  const spec = { selector: { matchLabels: labels }, template, ...(kind === 'DaemonSet' ? {} : { replicas: 2 }) };
  const own = kind === 'StatefulSet' ? { serviceName: name } : {};
  const object = { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { ...spec, ...own, ...more } };
  await created(cluster.api, pathOf(cluster, kind), object);
}

async function healthy(runtime: WorkloadRuntime, name: string): Promise<Workload> {
  const ready = async (): Promise<Workload | undefined> => (await runtime.list()).find((one) => one.name === name);
  const workload = await eventually(ready, (found) => found?.digest !== undefined && found.replicas > 0);
  assert.ok(workload && runtime.renewal);
  const { renewal } = runtime;
  const probe = { workload, before: new Date(0), deadline: 60_000 };
  // Refused for as long as it is not complete.
  await eventually(
    async () => (await renewal.renew(probe)).kind,
    (kind) => kind === 'unchanged',
  );
  return workload;
}

const namesOf = async (runtime: WorkloadRuntime, { id }: Workload): Promise<readonly string[]> =>
  (await runtime.renewal?.copies())?.flatMap(({ workload, name }) => (workload === id ? [name] : [])).sort() ?? [];

test('a cluster: workloads that grew old get new pods of the same image', { timeout: 300_000 }, async (context) => {
  const cluster = await openTestCluster();
  if ('skip' in cluster) return context.skip(cluster.skip);
  const { api, namespace, kubeconfig } = cluster;
  const runtime = createKubernetesRuntime({ kubeconfig, namespaces: [namespace] });
  const { renewal } = runtime;
  assert.ok(renewal);
  const asked = (workload: Workload): RenewalRequest => ({ workload, before: new Date(), deadline: 60_000 });
  try {
    if (cluster.nodes === 'none') return context.skip('the cluster has no nodes');
    for (const kind of KINDS) await create(cluster, kind, `old-${kind.toLowerCase()}`);
    const object = async (kind: string, name: string) =>
      (await api.call('GET', `${pathOf(cluster, kind)}/${name}`)).body;
    for (const kind of KINDS) {
      const name = `old-${kind.toLowerCase()}`;
      const workload = await healthy(runtime, name);
      const before = await namesOf(runtime, workload);
      const uids = async () =>
        (await api.call('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${name}`)).body.items
          .filter((pod: { metadata: { deletionTimestamp?: string } }) => pod.metadata.deletionTimestamp === undefined)
          .map((pod: { metadata: { uid: string } }) => pod.metadata.uid);
      const old = new Set(await uids());
      // Pods of the second in which they were made are older than the next one only.
      const request = asked(workload);
      const cutoff = { ...request, before: new Date(Date.now() + 1_000) };
      assert.deepEqual((await renewal.renew(cutoff)).kind, 'renewed');
      assert.ok(
        (await uids()).every((uid: string) => !old.has(uid)),
        `${kind}: all pods are new`,
      );
      assert.equal((await namesOf(runtime, workload)).length, before.length);
      const now = await object(kind, name);
      assert.equal(now.spec.template.spec.containers[0].image, image);
      const managers = now.metadata.managedFields.filter(
        (one: { manager: string }) => one.manager === 'heraklit-renewal',
      );
      assert.deepEqual(Object.keys(managers[0].fieldsV1), ['f:spec'], 'it owns nothing but its annotation');
      const { resourceVersion } = now.metadata;
      assert.equal((await renewal.renew({ ...cutoff, before: new Date(0) })).kind, 'unchanged');
      assert.equal((await object(kind, name)).metadata.resourceVersion, resourceVersion);
    }

    // No room for new pods: the old ones stay, and the template goes back to what it was.
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await create(cluster, 'Deployment', 'full', { strategy });
    const full = await healthy(runtime, 'full');
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'full' },
      spec: { hard: { pods: '1' } },
    };
    await created(api, `/api/v1/namespaces/${namespace}/resourcequotas`, quota);
    const quotas = async () =>
      (await api.call('GET', `/api/v1/namespaces/${namespace}/resourcequotas/full`)).body.status;
    await eventually(quotas, (status) => status?.hard?.pods === '1');
    const before = await namesOf(runtime, full);
    const outcome = await renewal.renew({ ...asked(full), before: new Date(Date.now() + 1_000) });
    assert.equal(outcome.kind, 'failed');
    assert.match('reason' in outcome ? outcome.reason : '', /exceeded quota/);
    assert.deepEqual(await namesOf(runtime, full), before);
    assert.equal((await object('Deployment', 'full')).spec.template.metadata.annotations, undefined);
    await api.call('DELETE', `/api/v1/namespaces/${namespace}/resourcequotas/full`);

    // What is not ours to do, or not now.
    const paused = `${pathOf(cluster, 'Deployment')}/full`;
    await api.call('PATCH', paused, { spec: { paused: true } }, 'application/merge-patch+json');
    assert.match(JSON.stringify(await renewal.renew(asked(full))), /refused.*it is paused/);
    await api.call('PATCH', paused, { spec: { paused: false } }, 'application/merge-patch+json');
    const claim = { metadata: { annotations: { 'io.heraklit.rollout': '{}' } } };
    await api.call('PATCH', paused, claim, 'application/merge-patch+json');
    assert.match(JSON.stringify(await renewal.renew(asked(full))), /refused.*a rollout of ours is under way/);
    await create(cluster, 'StatefulSet', 'by-hand', { updateStrategy: { type: 'OnDelete' } });
    const byHand = { ...full, id: 'by-hand', kind: 'StatefulSet', name: 'by-hand' } as const;
    assert.match(JSON.stringify(await renewal.renew(asked(byHand))), /refused.*by hand \(OnDelete\)/);
    assert.match(JSON.stringify(await renewal.renew(asked({ ...byHand, name: 'nobody' }))), /refused.*it is gone/);
    const cron = { ...full, kind: 'CronJob' } as const;
    assert.match(JSON.stringify(await renewal.renew(asked(cron))), /refused.*makes new pods by itself/);
  } finally {
    await runtime.close();
    await cluster.close();
  }
});
