/** Tests of images as Jobs of a cluster, on a peer whose containers are processes of this machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import type { TestSuite } from '../../src/recipe/index.ts';
import { EngineLabel, ownerLabels } from '../../src/runtime/index.ts';
import { kubernetesRunner } from '../../src/verify/runner/kubernetes/runner.ts';
import { ProcessNode } from '../fixtures/kubernetes-api/process-node.ts';
import { type KubernetesApi, startKubernetesApi } from '../fixtures/kubernetes-api/server.ts';
import { type ClusterTestWorld, failing, verifyOnCluster, wholeSuite } from '../support/cluster-tests.ts';

const NAMESPACE = 'tests';
const SERVER = `require('http').createServer((q, s) => { s.statusCode = q.url === '/index.html' ? 200 : 404; s.end('{"state":{"items":["a/b"]}}'); }).listen(process.env.PORT)`;
let api: KubernetesApi;
let node: ProcessNode;
let world: ClusterTestWorld;

async function freePorts(): Promise<readonly [number, number, number]> {
  const servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports as unknown as readonly [number, number, number];
}

before(async () => {
  node = new ProcessNode();
  api = await startKubernetesApi(() => 'ready', node);
  const shell = (script: string): readonly string[] => ['sh', '-c', script];
  const serve = [process.execPath, '-e', SERVER];
  const image = 'peer.example/tested@sha256:1';
  world = { kubeconfig: api.kubeconfig, namespace: NAMESPACE, image, shell, serve, ports: await freePorts() };
});
after(async () => await api.close());

const left = (): readonly string[] =>
  ['Job', 'Pod', 'NetworkPolicy'].flatMap((kind) =>
    api.store.list(kind, NAMESPACE).map(({ metadata }) => `${kind} ${metadata.name}`),
  );
const image = (behaviour: string): string => `peer.example/tested-${behaviour}@sha256:1`;

test('services come first, then every kind of step; nothing is left', async () => {
  const seen: object[] = [];
  const stop = api.store.listen(({ type, object }) => {
    if (type === 'ADDED' && object.kind !== 'Pod') seen.push(structuredClone(object));
  });
  const result = await verifyOnCluster(world, wholeSuite(world));
  stop();
  assert.equal(result.environment, undefined);
  assert.deepEqual(Object.keys(failing(result)), ['closed'], JSON.stringify(result.steps));
  assert.match(failing(result).closed ?? '', /not in time: connect ECONNREFUSED/);
  const log = result.logs.find(({ part }) => part === 'candidate')?.text ?? '';
  assert.match(log, /cost: \$\$5 \$\(PORT\) \$PORT\$ with \*\*\*/);
  assert.ok(!JSON.stringify(result).includes('hunter22'));
  assert.deepEqual(left(), []);
  // The policy is there before anything that it is for.
  assert.deepEqual(seen.map((one) => (one as { kind: string }).kind).slice(0, 2), ['NetworkPolicy', 'Job']);
});

test('a candidate that fails is told how', async () => {
  const [port] = world.ports;
  const { shell } = world;
  const alone = async (candidate: NonNullable<TestSuite['candidate']>, more: TestSuite = {}) =>
    await verifyOnCluster(world, { timeout: 60, ...more, candidate });
  const results = {
    never: await alone({ entrypoint: shell('sleep 60'), ready: { tcp: port, within: 1 } }),
    crash: await alone({ entrypoint: shell('echo no config >&2; exit 3') }),
    missing: await alone({ entrypoint: ['/bin/nothing'] }),
    wrong: await alone(
      { entrypoint: world.serve, environment: { PORT: port }, ready: { tcp: port } },
      {
        steps: [
          { http: { port, path: '/index.html', json: { '/state/items/0': 'c' } }, within: 1 },
          { exec: { command: shell('echo tables missing >&2; exit 2') } },
          { exec: { command: shell('while :; do echo yes; done') }, within: 20 },
          { exec: { command: shell('sleep 60') }, within: 1 },
          { test: { entrypoint: shell('sleep 60') }, within: 1 },
        ],
      },
    ),
    dies: await alone(
      { entrypoint: shell('sleep 1; echo gone; exit 7') },
      { steps: [{ log: { matches: 'never said' } }] },
    ),
  };
  for (const result of Object.values(results)) assert.equal(result.environment, undefined, JSON.stringify(result));
  assert.match(failing(results.never).start ?? '', /not in time: connect ECONNREFUSED/);
  assert.match(Object.values(failing(results.crash)).join(), /candidate ended with exit code 3: no config/);
  assert.match(failing(results.missing).start ?? '', /executable file not found/);
  assert.match(failing(results.dies)['log never said'] ?? '', /candidate ended with exit code 7: gone/);
  const problems = Object.values(failing(results.wrong));
  assert.match(problems[0] ?? '', /\/state\/items\/0 is "a\/b", not "c"/);
  assert.match(problems[1] ?? '', /exit code 2, not 0: tables missing/);
  assert.match(problems[2] ?? '', /it does not stop talking/);
  assert.deepEqual(problems.slice(3), ['it does not end in time', 'it does not end in time']);
  assert.deepEqual(left(), []);
});

test('what the cluster does is never the fault of the image', async () => {
  const serving = { entrypoint: world.serve, environment: { PORT: world.ports[0] }, ready: { tcp: world.ports[0] } };
  const asked = { candidate: serving, steps: [{ http: { port: world.ports[0], path: '/index.html' } }] };
  const sleeping = { candidate: { entrypoint: world.shell('sleep 60') }, steps: [{ log: { matches: 'x' } }] };
  for (const [what, suite, words] of [
    ['pull', sleeping, /did not start candidate: its image cannot be pulled: ErrImagePull: failed to pull/],
    ['unschedulable', { ...sleeping, timeout: 2 }, /not in time: Unschedulable: 0\/3 nodes/],
    ['quota', { ...sleeping, timeout: 2 }, /not in time: Error creating: .*exceeded quota/],
    ['evicted', sleeping, /candidate.*: Evicted: The node was low on resource/],
  ] as const) {
    const result = await verifyOnCluster(world, suite, image(what));
    assert.match(result.environment ?? JSON.stringify(result), words, what);
  }
  node.forwardError = 'unable to do port forwarding: socat not found';
  assert.match((await verifyOnCluster(world, asked)).environment ?? '', /cannot be forwarded: .*socat/);
  node.forwardError = undefined;
  node.refusals.push(403, 403, 403);
  assert.match((await verifyOnCluster(world, asked)).environment ?? '', /portforward cannot be opened: .*403/);
  // One refusal is no more than that.
  node.refusals.push(500);
  const passed = await verifyOnCluster(world, asked);
  assert.deepEqual([passed.environment, failing(passed)], [undefined, {}]);
  api.fail(
    { status: 403, method: 'POST', message: 'networkpolicies is forbidden: User "x" cannot create resource' },
    1,
  );
  assert.match((await verifyOnCluster(world, asked)).environment ?? '', /403 networkpolicies is forbidden/);
  await assert.rejects(
    kubernetesRunner({ kubeconfig: api.kubeconfig, namespace: NAMESPACE })
      .open({ run: 'x', deadline: Date.now() + 60_000 })
      .then(async (open) => {
        node.refusals.push(403, 403, 403);
        const part = { aliases: [], environment: {}, ports: [], tmpfs: [], mounts: [], limits: {}, name: 'candidate' };
        const signal = AbortSignal.timeout(60_000);
        await open.start({ ...part, image: world.image, entrypoint: world.shell('sleep 60') }, signal);
        await open.exec('candidate', ['true'], { keep: 100, signal }).finally(async () => await open.close());
      }),
    (error) => isHeraklitError(error, 'KUBERNETES_STREAM_FAILED') && /verify-rbac\.yaml/.test(error.hint ?? ''),
  );
  assert.deepEqual(left(), []);
});

test('what pods cannot do is refused before anything is started', async () => {
  const before = api.requests.length;
  const { image: own } = world;
  for (const [suite, words] of [
    [{ candidate: { user: 'shop' } }, /candidate is to run as shop, and Kubernetes knows users by number/],
    [{ candidate: { volumes: ['/data:/data'] } }, /mounts a folder of this host/],
    [{ services: { a: { image: own, volumes: ['d:/d'] } }, candidate: { volumes: ['d:/d'] } }, /share the volume d/],
    [{ steps: [{ exec: { command: ['id'], user: 'nobody' } }] }, /runs a command as nobody/],
  ] as const) {
    await assert.rejects(
      verifyOnCluster(world, suite),
      (error) => isHeraklitError(error, 'VERIFY_TESTS_INVALID') && words.test(error.message),
    );
  }
  assert.equal(api.requests.length, before);
});

test('what a killed process left is removed; what lives, or is of another machine and in time, is not', async () => {
  const command = JSON.stringify(world.shell('sleep 60'));
  const script = new URL('../support/cluster-suite-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, api.kubeconfig, NAMESPACE, world.image, command], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && !left().some((name) => /^Pod .*-candidate-/.test(name))) await sleep(20);
  child.kill('SIGKILL');
  await ended;
  const labels = await ownerLabels(Date.now() + 600_000);
  const foreign = { ...labels, [EngineLabel.owner]: '1:1:0123456789ab' };
  const policy = (name: string, annotations: object): void => {
    const metadata = { name, namespace: NAMESPACE, labels: { 'io.heraklit.test': name }, annotations };
    api.create({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata }, 'test');
  };
  policy('alive', labels);
  policy('elsewhere', foreign);
  policy('over', { ...foreign, [EngineLabel.deadline]: '1000' });
  policy('nobodys', {});
  const runner = kubernetesRunner({ kubeconfig: api.kubeconfig, namespace: NAMESPACE });
  // Two Jobs and the policy of the killed one, which goes with the first of them, and the one whose time is over.
  assert.ok((await runner.reap()) >= 3);
  assert.deepEqual(left(), ['NetworkPolicy alive', 'NetworkPolicy elsewhere', 'NetworkPolicy nobodys']);
  await runner.close();
});
