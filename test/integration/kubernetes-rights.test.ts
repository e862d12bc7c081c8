/** The rights of deploy/kubernetes are enough and no more, as a real API server decides; refused tokens are read anew. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createKubernetesRuntime,
  type ObservedWorkload,
  openClusterInventory,
  type RolloutStrategy,
} from '../../src/runtime/index.ts';
import { created, eventually, openTestCluster, type TestCluster } from '../support/cluster.ts';
import { type ApiObject, openApi } from '../support/control-plane/api.ts';
import { PLAYED_IMAGES } from '../support/played-images.ts';

const PATHS: Readonly<Record<string, string>> = {
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
};

describe('rights on a real cluster', () => {
  let cluster: TestCluster;
  let skip: string | undefined;
  let folder: string;
  const made: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heraklit-rights-'));
    const opened = await openTestCluster();
    if ('skip' in opened) skip = opened.skip;
    else cluster = opened;
  });
  after(async () => {
    for (const path of made) await cluster.api.call('DELETE', path);
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The file as it ships, under names of the test's own. @returns the account's name */
  async function applyFile(file: string): Promise<string> {
    const text = await readFile(join(import.meta.dirname, '../../deploy/kubernetes', file), 'utf8');
    let account = '';
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as ApiObject & { roleRef?: { name: string }; subjects?: { namespace: string }[] };
      const own = `${object.metadata.name}-${cluster.namespace}`;
      if (object.kind === 'ServiceAccount') {
        account = object.metadata.name;
        await created(cluster.api, `/api/v1/namespaces/${cluster.namespace}/serviceaccounts`, {
          ...object,
          metadata: { name: account },
        });
        continue;
      }
      const path = PATHS[object.kind ?? ''] as string;
      await created(cluster.api, path, {
        ...object,
        metadata: { name: own },
        ...(object.roleRef === undefined
          ? {}
          : { roleRef: { ...object.roleRef, name: `${object.roleRef.name}-${cluster.namespace}` } }),
        ...(object.subjects === undefined
          ? {}
          : { subjects: object.subjects.map((one) => ({ ...one, namespace: cluster.namespace })) }),
      });
      made.push(`${path}/${own}`);
    }
    return account;
  }

  async function tokenOf(account: string): Promise<string> {
    const path = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts/${account}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
    return ((await created(cluster.api, path, request)) as ApiObject & { status: { token: string } }).status.token;
  }

  /** A kubeconfig whose user has a token file beside it. */
  async function kubeconfigOf(name: string, token: string): Promise<{ kubeconfig: string; tokenFile: string }> {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const { server, caData, caFile } = config.getCurrentCluster() ?? {};
    const ca = caData ?? (caFile === undefined ? undefined : (await readFile(caFile)).toString('base64'));
    const kubeconfig = join(folder, name);
    await writeFile(join(folder, `${name}.token`), token);
    await writeFile(
      kubeconfig,
      JSON.stringify({
        clusters: [
          { name: 'c', cluster: { server, ...(ca === undefined ? {} : { 'certificate-authority-data': ca }) } },
        ],
        users: [{ name: 'u', user: { tokenFile: `${name}.token` } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'c',
      }),
    );
    return { kubeconfig, tokenFile: join(folder, `${name}.token`) };
  }

  async function deploy(name: string): Promise<void> {
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: PLAYED_IMAGES[0] }] } };
    await created(cluster.api, `/apis/apps/v1/namespaces/${cluster.namespace}/deployments`, {
      metadata: { name },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    });
  }

  /** A Service and an Ingress to a Deployment. */
  async function lead(name: string): Promise<void> {
    await created(cluster.api, `/api/v1/namespaces/${cluster.namespace}/services`, {
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    });
    const backend = { service: { name, port: { number: 80 } } };
    await created(cluster.api, `/apis/networking.k8s.io/v1/namespaces/${cluster.namespace}/ingresses`, {
      metadata: { name, annotations: { 'kubernetes.io/ingress.class': 'nginx' } },
      spec: { rules: [{ host: 'test.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
    });
  }

  test('the inventory’s account watches, changes nothing, and goes on with a new token', {
    timeout: 180_000,
  }, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    const account = await applyFile('inventory-rbac.yaml');
    const { kubeconfig, tokenFile } = await kubeconfigOf('inventory', await tokenOf(account));
    await deploy('first');
    const inventory = await openClusterInventory({ kubeconfig, name: 'c', pace: { gather: 20, retry: 50 } });
    const stop = new AbortController();
    const known = new Map<string, ObservedWorkload>();
    const problems: string[] = [];
    const watching = (async () => {
      for await (const { changed } of inventory.watch(stop.signal, (state) => problems.push(...state.problems))) {
        for (const one of changed) known.set(one.id, one);
      }
    })();
    const id = (name: string): string => `kubernetes:c/${cluster.namespace}/Deployment/${name}`;
    await eventually(async () => known.has(id('first')), Boolean);
    assert.deepEqual(problems, []);

    // No more than that.
    const api = await openApi(kubeconfig).catch(() => undefined);
    api?.close();
    const runtime = createKubernetesRuntime({ kubeconfig, namespaces: [cluster.namespace] });
    const [workload] = await runtime.list();
    assert.ok(workload);
    const image = PLAYED_IMAGES[1];
    await assert.rejects(
      runtime.rollout({
        workload,
        image,
        digest: image.slice(image.indexOf('@') + 1) as `sha256:${string}`,
        deadline: 1_000,
      }),
      (error) => isHeraklitError(error, 'KUBERNETES_REFUSED') && /forbidden/.test(error.message),
    );
    const review = async (verb: string, resource: string, group = ''): Promise<boolean> => {
      const user = `system:serviceaccount:${cluster.namespace}:${account}`;
      const spec = { user, resourceAttributes: { verb, resource, group, namespace: cluster.namespace } };
      const answer = await created(cluster.api, '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec });
      return answer.status.allowed as boolean;
    };
    for (const verb of ['create', 'update', 'patch', 'delete']) {
      for (const [resource, group] of [
        ['pods', ''],
        ['secrets', ''],
        ['deployments', 'apps'],
        ['cronjobs', 'batch'],
      ]) {
        assert.equal(await review(verb, resource as string, group), false, `${verb} ${resource}`);
      }
    }
    assert.equal(await review('list', 'secrets'), false);
    assert.equal(await review('watch', 'pods'), true);

    // The account is deleted and made anew: its token is refused (401) from then on, another one is not.
    const accounts = `/api/v1/namespaces/${cluster.namespace}/serviceaccounts`;
    await cluster.api.call('DELETE', `${accounts}/${account}`);
    await created(cluster.api, accounts, { metadata: { name: account } });
    await eventually(
      () =>
        inventory.observe().then(
          () => undefined,
          (error: unknown) => error,
        ),
      (error) => isHeraklitError(error, 'KUBERNETES_LOGIN_REFUSED'),
    );
    await writeFile(tokenFile, await tokenOf(account));
    await eventually(
      () =>
        inventory.observe().then(
          (all) => all.length,
          () => 0,
        ),
      (count) => count > 0,
    );
    await deploy('second');
    await eventually(async () => known.has(id('second')), Boolean);
    stop.abort();
    await watching;
    inventory.close();
    await runtime.close();
  });

  test('the rollout’s account rolls out by every strategy', { timeout: 180_000 }, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    if (cluster.nodes !== 'played') return context.skip('pods get ready on played nodes alone');
    const account = await applyFile('rbac.yaml');
    const { kubeconfig } = await kubeconfigOf('rollout', await tokenOf(account));
    await deploy('rolled');
    const runtime = createKubernetesRuntime({ kubeconfig });
    const find = async () =>
      (await runtime.list()).find(({ namespace, name }) => namespace === cluster.namespace && name === 'rolled');
    const workload = await eventually(find, (one) => one !== undefined);
    assert.ok(workload);
    await lead('rolled');
    const strategies: readonly (RolloutStrategy | undefined)[] = [
      undefined,
      { kind: 'canary', steps: [{ weight: 50 }] },
      { kind: 'canary', steps: [{ weight: 20 }], traffic: { kind: 'ingress', ingress: 'rolled' } },
      { kind: 'blueGreen', keep: 100 },
    ];
    for (const [at, strategy] of strategies.entries()) {
      const image = PLAYED_IMAGES[(at + 1) % 2] as string;
      const digest = image.slice(image.indexOf('@') + 1) as `sha256:${string}`;
      const request = { workload, image, digest, deadline: 60_000, ...(strategy === undefined ? {} : { strategy }) };
      const outcome = await runtime.rollout(request);
      assert.equal(outcome.kind, 'rolledout', JSON.stringify([strategy, outcome]));
    }
    // Nothing of it is left.
    for (const path of ['apps/v1', 'networking.k8s.io/v1']) {
      const kind = path === 'apps/v1' ? 'deployments' : 'ingresses';
      const { body } = await cluster.api.call('GET', `/apis/${path}/namespaces/${cluster.namespace}/${kind}`);
      const names = (body as { items: readonly ApiObject[] }).items.map(({ metadata }) => metadata.name);
      assert.deepEqual(
        names.filter((name) => name.includes('heraklit')),
        [],
      );
    }
    await runtime.close();
  });
});
