import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { createKubernetesRuntime, type Workload, type WorkloadRuntime } from '../../src/runtime/index.ts';
import { type ImageUnderTest, workloadRuntimeContract } from '../contract/workload-runtime.ts';
import { type KubernetesApi, startKubernetesApi } from '../fixtures/kubernetes-api/server.ts';

const image = (letter: string): ImageUnderTest => {
  const digest: Digest = `sha256:${letter.repeat(64)}`;
  return { image: `registry.example:5000/web@${digest}`, digest };
};
const [FIRST, SECOND, CRASH, PULL, NO_ROOM, UNREADY] = ['a', 'b', 'c', 'd', 'e', 'f'].map(image) as [
  ImageUnderTest,
  ImageUnderTest,
  ImageUnderTest,
  ImageUnderTest,
  ImageUnderTest,
  ImageUnderTest,
];

/** Images that were fine and no longer are. */
const rotten = new Set<string>();
const start = async (): Promise<KubernetesApi> =>
  await startKubernetesApi((reference) => {
    if (rotten.has(reference)) return 'crash';
    if (reference.endsWith(CRASH.digest)) return 'crash';
    if (reference.endsWith(PULL.digest)) return 'pull';
    if (reference.endsWith(UNREADY.digest)) return 'unready';
    return reference.endsWith(NO_ROOM.digest) ? 'unschedulable' : 'ready';
  });

const manifest = (kind: string, name: string, containers: object[]): { [name: string]: unknown } => ({
  apiVersion: kind === 'CronJob' ? 'batch/v1' : 'apps/v1',
  kind,
  metadata: { name, namespace: 'shop' },
  spec:
    kind === 'CronJob'
      ? { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: { containers } } } } }
      : {
          replicas: 2,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers } },
        },
});

async function settled(runtime: WorkloadRuntime, name: string): Promise<Workload> {
  for (;;) {
    const found = (await runtime.list()).find((one) => one.name === name);
    if (found?.containers.every(({ digest }) => digest !== undefined) === true) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (const kind of ['Deployment', 'StatefulSet'] as const) {
  workloadRuntimeContract(`kubernetes ${kind}`, async () => {
    const api = await start();
    api.create(
      manifest(kind, 'web', [{ name: 'web', image: FIRST.image, ports: [{ containerPort: 80 }] }]),
      'kubectl-client-side-apply',
    );
    const runtime = createKubernetesRuntime({ kubeconfig: api.kubeconfig, pace: { look: 50 } });
    await settled(runtime, 'web');
    await new Promise((resolve) => setTimeout(resolve, 200));
    return {
      runtime,
      workload: 'web',
      first: FIRST,
      second: SECOND,
      broken: CRASH,
      missing: PULL,
      deadline: 3000,
      close: async () => {
        await runtime.close();
        await api.close();
      },
    };
  });
}

describe('kubernetes', () => {
  let api: KubernetesApi;
  let runtime: WorkloadRuntime;
  afterEach(async () => {
    await runtime?.close();
    await api?.close();
  });
  const withWorkload = async (
    kind: string,
    containers: object[] = [{ name: 'web', image: FIRST.image }],
  ): Promise<Workload> => {
    api = await start();
    api.create(manifest(kind, 'web', containers), 'helm');
    runtime = createKubernetesRuntime({ kubeconfig: api.kubeconfig, namespaces: ['shop'], pace: { look: 50 } });
    const workload = await settled(runtime, 'web');
    await new Promise((resolve) => setTimeout(resolve, 150));
    return workload;
  };
  const stored = (kind = 'Deployment') => {
    const object = api.store.get(kind, 'shop', 'web');
    assert.ok(object);
    return object;
  };
  const limited = { timeout: 30_000 };

  test('only the image field changes hands, and only it is forced', limited, async () => {
    const workload = await withWorkload('Deployment', [
      { name: 'web', image: FIRST.image, env: [{ name: 'A', value: '1' }] },
    ]);
    await runtime.rollout({ workload, ...SECOND, tag: 'production', deadline: 3000 });
    const { metadata, spec } = stored();
    const owners = (field: string) =>
      metadata.managedFields
        .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes(field))
        .map(({ manager }) => manager);
    assert.deepEqual(owners('f:image'), ['heraklit']);
    assert.deepEqual(owners('f:env'), ['helm']);
    assert.deepEqual(owners('f:replicas'), ['helm']);
    assert.deepEqual(metadata.annotations, {
      'io.heraklit.previous-image': FIRST.image,
      'io.heraklit.tag': 'production',
    });
    assert.deepEqual((spec.template as { metadata?: object }).metadata, { labels: { app: 'web' } });
    const patches = api.requests.filter((line) => line.startsWith('PATCH'));
    assert.equal(patches.length, 3, 'first asked, then forced, then the claim is let go');
    assert.ok(!patches[0]?.includes('force'));
  });

  test('a second container keeps its image when it is the other one that changes', limited, async () => {
    const workload = await withWorkload('Deployment', [
      { name: 'web', image: FIRST.image },
      { name: 'side', image: FIRST.image },
    ]);
    assert.deepEqual(
      workload.containers.map(({ name }) => name),
      ['web', 'side'],
    );
    await runtime.rollout({ workload, ...SECOND, deadline: 3000 });
    const outcome = await runtime.rollout({
      workload: await settled(runtime, 'web'),
      container: 'side',
      ...SECOND,
      deadline: 3000,
    });
    assert.equal(outcome.kind, 'rolledout');
    assert.deepEqual(
      (await settled(runtime, 'web')).containers.map(({ digest }) => digest),
      [SECOND.digest, SECOND.digest],
    );
  });

  test('it survives throttling, expired watches, lost connections and server errors', limited, async () => {
    const workload = await withWorkload('Deployment');
    api.fail({ status: 429, headers: { 'retry-after': '0' } }, 3);
    const timer = setInterval(() => {
      api.dropWatches();
      api.expire();
    }, 25);
    setTimeout(() => api.fail({ status: 503 }, 2), 30);
    const outcome = await runtime
      .rollout({ workload, ...SECOND, deadline: 10_000 })
      .finally(() => clearInterval(timer));
    assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
  });

  test('a rollout that lost its process is taken up: finished, or taken back to what ran before', limited, async () => {
    const workload = await withWorkload('Deployment');
    const killed = new AbortController();
    const first = runtime.rollout({ workload, ...UNREADY, deadline: 10_000 }, killed.signal);
    setTimeout(() => killed.abort(), 150);
    await assert.rejects(first);
    const outcome = await runtime.rollout({
      workload: { ...workload, image: UNREADY.image },
      ...UNREADY,
      deadline: 300,
    });
    assert.ok(
      outcome.kind === 'rolledback' && outcome.blame === 'image' && outcome.from === FIRST.image,
      JSON.stringify(outcome),
    );
    assert.equal((await settled(runtime, 'web')).digest, FIRST.digest);
  });

  test('no room in the cluster is not the fault of the image', limited, async () => {
    const workload = await withWorkload('Deployment');
    const outcome = await runtime.rollout({ workload, ...NO_ROOM, deadline: 200 });
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'environment', JSON.stringify(outcome));
    assert.match(outcome.reason, /0\/3 nodes/);
  });

  test('where no copy ever got ready, as without a node, it is put back and not waited for', limited, async () => {
    api = await startKubernetesApi(() => 'unschedulable');
    api.create(manifest('Deployment', 'web', [{ name: 'web', image: FIRST.image }]), 'helm');
    runtime = createKubernetesRuntime({ kubeconfig: api.kubeconfig, namespaces: ['shop'] });
    const workload = await settled(runtime, 'web');
    while (api.store.list('Pod', 'shop').length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const outcome = await runtime.rollout({ workload, ...SECOND, deadline: 200 });
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'environment', JSON.stringify(outcome));
    assert.match(outcome.reason, /not ready either/);
    assert.equal((await settled(runtime, 'web')).digest, FIRST.digest);
  });

  test('a DaemonSet rolls out; a CronJob changes for its next run', limited, async () => {
    const workload = await withWorkload('DaemonSet');
    assert.equal((await runtime.rollout({ workload, ...SECOND, deadline: 3000 })).kind, 'rolledout');
    api.create(manifest('CronJob', 'nightly', [{ name: 'job', image: FIRST.image }]), 'kubectl');
    const job = await settled(runtime, 'nightly');
    assert.equal(job.kind, 'CronJob');
    assert.equal((await runtime.rollout({ workload: job, ...SECOND, deadline: 3000 })).kind, 'rolledout');
    assert.equal((await settled(runtime, 'nightly')).digest, SECOND.digest);
  });

  test('more objects than a page are all listed', limited, async () => {
    await withWorkload('Deployment');
    for (let i = 0; i < 1203; i += 1)
      api.create(manifest('CronJob', `job-${i}`, [{ name: 'job', image: FIRST.image }]), 'kubectl');
    assert.equal((await runtime.list()).length, 1204);
  });

  const canary = { kind: 'canary', steps: [{ weight: 50 }] } as const;
  const away = { status: 503, headers: { 'retry-after': '0' } };

  test('a cluster that is away while a step is held is waited for', limited, async () => {
    const workload = await withWorkload('Deployment');
    const control = {
      stepReached: async () => {
        api.fail(away, 40);
        api.dropWatches();
        while (api.requests.length > 0 && (await fetch(new URL('/version', api.server))).status === 503);
        return { kind: 'go' } as const;
      },
      revoked: async () => undefined,
    };
    const outcome = await runtime.rollout({ workload, ...SECOND, deadline: 20_000, strategy: canary, control });
    assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
  });

  test('one that stays away ends the call; the next one goes on at the step', limited, async () => {
    const workload = await withWorkload('Deployment');
    let reached = 0;
    const control = {
      stepReached: async (_: unknown, signal?: AbortSignal) => {
        reached += 1;
        if (reached > 1) return { kind: 'go' } as const;
        api.fail(away, 20_000);
        api.dropWatches();
        return await new Promise<never>((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(new Error())),
        );
      },
      revoked: async () => undefined,
    };
    const request = { workload, ...SECOND, deadline: 400, strategy: canary, control };
    await assert.rejects(runtime.rollout(request), (error) => isHeraklitError(error, 'KUBERNETES_UNAVAILABLE'));
    api.fail(away, 0);
    assert.equal(api.store.list('Deployment', 'shop').length, 2, 'the copies are there still');
    const outcome = await runtime.rollout({ ...request, deadline: 20_000 });
    assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
    assert.deepEqual([reached, api.store.list('Deployment', 'shop').length], [2, 1]);
  });

  test('errors say what is missing', limited, async () => {
    const workload = await withWorkload('Deployment');
    const code = (wanted: string) => (error: unknown) => isHeraklitError(error, wanted);
    const request = { workload, ...SECOND, deadline: 500 };
    await assert.rejects(runtime.rollout({ ...request, container: 'nope' }), code('KUBERNETES_WORKLOAD_MISSING'));
    await assert.rejects(
      runtime.rollout({ ...request, workload: { ...workload, name: 'nope' } }),
      code('KUBERNETES_WORKLOAD_MISSING'),
    );
    api.fail({ status: 403 }, 1);
    await assert.rejects(
      runtime.list(),
      (error) => isHeraklitError(error, 'KUBERNETES_REFUSED') && /rbac\.yaml/.test(error.hint ?? ''),
    );
    const absent = createKubernetesRuntime({ kubeconfig: '/nonexistent/kubeconfig' });
    assert.match((await absent.unavailable()) ?? '', /kubeconfig/);
    await assert.rejects(absent.list(), code('KUBERNETES_UNAVAILABLE'));
  });

  test('another manager is never forced off a field that is not the image', limited, async () => {
    const workload = await withWorkload('Deployment');
    const causes = [{ reason: 'FieldManagerConflict', field: '.spec.replicas', message: 'conflict with "helm"' }];
    api.fail({ status: 409, method: 'PATCH', details: { causes } }, 1);
    await assert.rejects(runtime.rollout({ workload, ...SECOND, deadline: 500 }), (error) =>
      isHeraklitError(error, 'KUBERNETES_CONFLICT'),
    );
    assert.equal(api.requests.filter((line) => line.includes('force=true')).length, 0);
  });

  test('a rollback that does not become healthy either is an error, not an outcome', limited, async () => {
    const workload = await withWorkload('Deployment');
    rotten.add(FIRST.image);
    const outcome = runtime.rollout({ workload, ...UNREADY, deadline: 300 });
    // One old pod goes with the surge; what replaces it now crashes too.
    setTimeout(() => {
      for (const pod of api.store.list('Pod', 'shop')) {
        if (JSON.stringify(pod.spec).includes(FIRST.digest)) api.store.remove('Pod', 'shop', pod.metadata.name);
      }
    }, 100);
    await assert.rejects(outcome, (error) => isHeraklitError(error, 'KUBERNETES_ROLLBACK_INCOMPLETE'));
    rotten.clear();
  });
});
