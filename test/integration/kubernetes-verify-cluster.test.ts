/**
 * Tests of images as Jobs of a real cluster with kubelets, by an account that has the rights of verify-rbac.yaml and no
 * others. The first image of HERAKLIT_TEST_CLUSTER_IMAGES has to have busybox in /usr/bin.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import { kubernetesRunner } from '../../src/verify/runner/kubernetes/runner.ts';
import { created, eventually, openTestCluster, type TestCluster } from '../support/cluster.ts';
import { type ClusterTestWorld, failing, verifyOnCluster, wholeSuite } from '../support/cluster-tests.ts';

const shell = (script: string): readonly string[] => ['/usr/bin/busybox', 'sh', '-c', script];
const RIGHTS = new URL('../../deploy/kubernetes/verify-rbac.yaml', import.meta.url);
let cluster: TestCluster | undefined;
let folder = '';
let world: ClusterTestWorld;
let skip: string | undefined;

/** A kubeconfig of an account that may what the Role says. */
async function restricted({ api, kubeconfig, namespace }: TestCluster): Promise<string> {
  const documents = parseAllDocuments(await readFile(RIGHTS, 'utf8')).map((one) => one.toJS() as Record<string, never>);
  const role = documents.find(({ kind }) => kind === 'Role') as unknown as { readonly rules: object };
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const named = { metadata: { name: 'tester' } };
  await created(api, `/api/v1/namespaces/${namespace}/serviceaccounts`, { ...named });
  await created(api, `${rbac}/roles`, { apiVersion, kind: 'Role', ...named, rules: role.rules });
  await created(api, `${rbac}/rolebindings`, {
    ...{ apiVersion, kind: 'RoleBinding', ...named },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tester' },
    subjects: [{ kind: 'ServiceAccount', name: 'tester', namespace }],
  });
  const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = await created(api, `/api/v1/namespaces/${namespace}/serviceaccounts/tester/token`, asked);
  const { token } = (answer as unknown as { readonly status: { readonly token: string } }).status;
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { user: object }[] };
  for (const one of config.users) one.user = { token };
  const file = join(folder, 'kubeconfig');
  await writeFile(file, JSON.stringify(config));
  return file;
}

before(async () => {
  const [image] = process.env.HERAKLIT_TEST_CLUSTER_IMAGES?.split(',') ?? [];
  if (image === undefined) {
    skip = 'KUBECONFIG not set, or no HERAKLIT_TEST_CLUSTER_IMAGES';
    return;
  }
  const opened = await openTestCluster();
  if ('skip' in opened || opened.nodes !== 'real') {
    skip = 'skip' in opened ? opened.skip : 'the cluster has no kubelet';
    if (!('skip' in opened)) await opened.close();
    return;
  }
  cluster = opened;
  folder = await mkdtemp(join(tmpdir(), 'heraklit-verify-cluster-'));
  const serve = shell('trap "exit 0" TERM; busybox httpd -f -p $PORT -h /www & wait');
  const kubeconfig = await restricted(opened);
  world = { kubeconfig, namespace: opened.namespace, image, shell, serve, ports: [8080, 8080, 9] };
});
after(async () => {
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

const real = (name: string, body: (open: TestCluster) => Promise<void>): void => {
  test(name, { timeout: 300_000 }, async (context) =>
    cluster === undefined ? context.skip(skip ?? 'no cluster') : await body(cluster),
  );
};
const left = async ({ api, namespace }: TestCluster): Promise<readonly string[]> => {
  const paths = [`/apis/batch/v1/namespaces/${namespace}/jobs`, `/api/v1/namespaces/${namespace}/pods`];
  paths.push(`/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`);
  const lists = await Promise.all(paths.map(async (path) => (await api.call('GET', path)).body.items ?? []));
  return lists.flat().map((one) => (one as { readonly metadata: { readonly name: string } }).metadata.name);
};
const empty = async (open: TestCluster): Promise<void> => {
  await eventually(
    async () => await left(open),
    (names) => names.length === 0,
    120_000,
  );
};

real('every kind of step, in pods that find each other by name; nothing is left', async (open) => {
  const { steps = [], ...suite } = wholeSuite(world);
  const named = shell(
    'busybox wget -qO- http://candidate:8080/index.html && busybox wget -qO- http://database:8080/index.html',
  );
  const result = await verifyOnCluster(world, {
    ...suite,
    steps: [...steps, { name: 'by name', test: { image: world.image, entrypoint: named } }],
  });
  assert.equal(result.environment, undefined);
  assert.deepEqual(Object.keys(failing(result)), ['closed'], JSON.stringify(result.steps));
  const log = result.logs.find(({ part }) => part === 'candidate')?.text ?? '';
  assert.match(log, /cost: \$\$5 \$\(PORT\) \$PORT\$ with \*\*\*/);
  await empty(open);
});

real('a candidate that fails is told how, and the cluster how it failed', async (open) => {
  const alone = async (candidate: object, more: object = {}, image?: string) =>
    await verifyOnCluster(world, { timeout: 60, ...more, candidate }, image);
  const serving = { entrypoint: world.serve, environment: { PORT: 8080 } };
  const [crash, missing, memory, loopback, pull, room] = await Promise.all([
    alone({ entrypoint: shell('echo no config >&2; exit 3') }),
    alone({ entrypoint: ['/bin/nothing'] }),
    alone(
      { entrypoint: shell('busybox sleep 1; a=x; while true; do a=$a$a; done'), limits: { memory: '24MiB' } },
      { steps: [{ log: { matches: 'never said' } }] },
    ),
    // At the pod's own address nothing listens, which port-forwarding alone would not notice.
    alone({ entrypoint: shell('busybox httpd -f -p 127.0.0.1:8080 -h /www'), ready: { tcp: 8080, within: 6 } }),
    alone(serving, {}, `${world.image.slice(0, world.image.indexOf('@'))}@sha256:${'0'.repeat(64)}`),
    alone({ ...serving, limits: { memory: '900000GiB' } }, { timeout: 8 }),
  ]);
  for (const result of [crash, missing, memory, loopback]) assert.equal(result.environment, undefined);
  assert.match(Object.values(failing(crash)).join(), /candidate ended with exit code 3: no config/);
  assert.match(failing(missing).start ?? '', /no such file or directory/);
  assert.match(Object.values(failing(memory)).join(), /ran out of memory \(limit 25165824 bytes\)/);
  assert.match(failing(loopback).start ?? '', /not in time: connect ECONNREFUSED/);
  assert.match(pull.environment ?? '', /did not start candidate: its image cannot be pulled/);
  assert.match(room.environment ?? '', /Unschedulable: .*Insufficient memory/);
  await empty(open);
});

real('what a killed process left is removed by the next one', async (open) => {
  const command = JSON.stringify(shell('busybox sleep 300'));
  const script = new URL('../support/cluster-suite-child.ts', import.meta.url).pathname;
  const given = [script, world.kubeconfig, world.namespace, world.image, command];
  const child = spawn(process.execPath, given, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && !(await left(open)).some((name) => /-candidate-\w+$/.test(name))) await sleep(100);
  child.kill('SIGKILL');
  await ended;
  const runner = kubernetesRunner({ kubeconfig: world.kubeconfig, namespace: world.namespace });
  assert.ok((await runner.reap()) >= 2);
  await runner.close();
  await empty(open);
});
