/**
 * `node bench/kubernetes-traffic.ts [COPIES] [REQUESTS A SECOND]`, with KUBECONFIG of a cluster whose nodes run containers
 * and whose pods this machine reaches, and `HERAKLIT_TEST_CLUSTER_IMAGES=FIRST@DIGEST,SECOND@DIGEST,BROKEN@DIGEST`: the
 * first two serve their own name at `/index.html` of port 8080, the third ends. A Deployment is rolled out by each
 * strategy while requests come in; then the broken one, which is rolled back and quarantined. Ends with 1 when one failed.
 *
 * Requests go through a balancer in this process that follows the EndpointSlices of the Service, as ingress controllers
 * do: no kube-proxy is needed, and none is measured. Pods wait 3 s before they stop (`preStop`), as Kubernetes asks of
 * whatever serves requests: endpoints and containers end at the same time otherwise.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/database/index.ts';
import { parseDigest } from '../src/oci/index.ts';
import { listQuarantine } from '../src/publish/index.ts';
import { rollOut } from '../src/rollout/index.ts';
import { createKubernetesRuntime, type RolloutOutcome, type RolloutStrategy } from '../src/runtime/index.ts';
import type { ImageUnderTest } from '../test/contract/workload-runtime.ts';
import { startLoad } from '../test/integration/rollout-load.ts';
import { created, eventually, openTestCluster } from '../test/support/cluster.ts';
import { balance } from './rollout/endpoint-balancer.ts';

const numbers = process.argv.slice(2).filter((text) => /^\d+$/.test(text));
const [copies = 6, rate = 500] = numbers.map(Number);
/** Milliseconds of requests before and after, and without progress until a rollout is taken back. */
const AROUND = 3000;
const DEADLINE = 120_000;

const read = (reference: string): ImageUnderTest => ({
  image: reference,
  digest: parseDigest(reference.slice(reference.lastIndexOf('@') + 1)),
});
const [first, second, broken] = (process.env.HERAKLIT_TEST_CLUSTER_IMAGES ?? '').split(',').filter(Boolean).map(read);
if (first === undefined || second === undefined || broken === undefined) {
  throw new Error('HERAKLIT_TEST_CLUSTER_IMAGES names no three images');
}
const cluster = await openTestCluster();
if ('skip' in cluster) throw new Error(cluster.skip);
await using resources = new AsyncDisposableStack();
resources.defer(async () => await cluster.close());
const { api, namespace, kubeconfig } = cluster;
const labels = { app: 'web' };
await created(api, `/api/v1/namespaces/${namespace}/services`, {
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
  spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
});
await created(api, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
  spec: {
    replicas: copies,
    selector: { matchLabels: labels },
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 20,
        containers: [
          {
            name: 'web',
            image: first.image,
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: '/index.html', port: 8080 }, periodSeconds: 1 },
            lifecycle: { preStop: { sleep: { seconds: 3 } } },
          },
        ],
      },
    },
  },
});
const balancer = await balance(api, namespace, 'web');
resources.defer(async () => await balancer.close());
await eventually(
  async () => balancer.ready(),
  (ready) => ready === copies,
  180_000,
);
const runtime = createKubernetesRuntime({ kubeconfig, namespaces: [namespace] });
resources.defer(async () => await runtime.close());
const directory = await mkdtemp(join(tmpdir(), 'heraklit-traffic-'));
resources.defer(async () => await rm(directory, { recursive: true, force: true }));
const database = await openDatabase({ kind: 'embedded', directory: join(directory, 'database') });
resources.defer(async () => await database.close());

const pause = async (milliseconds: number): Promise<void> =>
  void (await new Promise((resolve) => setTimeout(resolve, milliseconds)));
let failed = 0;

async function underLoad(name: string, to: ImageUnderTest | undefined, strategy?: RolloutStrategy) {
  const load = startLoad(balancer.port, rate);
  await pause(AROUND);
  const asked = to && { ...to, workloads: ['web'], deadline: DEADLINE, ...(strategy && { strategy }) };
  const outcome: RolloutOutcome | undefined =
    asked && (await rollOut({ database, runtimes: [runtime] }, asked)).outcomes[0];
  await pause(AROUND);
  const { requests, failures, bodies, seconds } = await load.stop();
  failed += failures.length;
  const versions = [...bodies].map(([body, count]) => `${body.trim().slice(0, 20)} ${count}`).join(', ');
  console.log(
    `${name}: ${outcome?.kind ?? 'nothing changed'}${outcome && 'reason' in outcome ? `: ${outcome.reason}` : ''}`,
  );
  console.log(
    `  ${requests} requests in ${seconds.toFixed(1)} s, ${Math.round(requests / seconds)} a second (${versions})`,
  );
  console.log(`  ${failures.length} failed${failures.length === 0 ? '' : `: ${[...new Set(failures)].join('; ')}`}`);
  return outcome?.kind;
}

const kinds = [
  await underLoad('at rest', undefined),
  await underLoad(`${copies} copies, rolling`, second),
  await underLoad('canary by copies, 20 and 50 %', first, {
    ...{ kind: 'canary', traffic: { kind: 'replicas' } },
    steps: [
      { weight: 20, pause: 2000 },
      { weight: 50, pause: 2000 },
    ],
  }),
  await underLoad('blue-green', second, { kind: 'blueGreen', service: 'web', keep: 0 }),
  await underLoad('a candidate that ends', broken),
];
const quarantined = (await listQuarantine(database.kysely)).map(({ digest }) => digest);
console.log(
  `quarantined: ${quarantined.includes(broken.digest) ? 'the broken one' : 'NOT the broken one'}, ${quarantined.length} in all`,
);
console.log(`balancer: ${JSON.stringify(balancer.statistics())}`);
const wanted = [undefined, 'rolledout', 'rolledout', 'rolledout', 'rolledback'];
if (failed > 0 || kinds.some((kind, i) => kind !== wanted[i]) || quarantined.length !== 1) process.exitCode = 1;
