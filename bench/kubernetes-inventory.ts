/**
 * Time to know all that runs in a cluster, memory, and how soon a change is known: N Deployments of two pods on a real API
 * server (HERAKLIT_TEST_CONTROL_PLANE, docs/testing-on-kubernetes.md) with played nodes, recorded in an embedded database.
 * kubectl, when KUBECTL names it, lists the same pods for comparison.
 *
 *     node bench/kubernetes-inventory.ts [--deployments 2000] [--kubeconfig FILE [--filled]]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { silentLog } from '../src/base/index.ts';
import { watchWorkloads } from '../src/crawl/index.ts';
import { openDatabase } from '../src/database/index.ts';
import { openClusterInventory } from '../src/runtime/index.ts';
import { openApi } from '../test/support/control-plane/api.ts';
import { findBinaries } from '../test/support/control-plane/binaries.ts';
import { startControlPlane } from '../test/support/control-plane.ts';

const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    deployments: { type: 'string', default: '2000' },
    kubeconfig: { type: 'string' },
    /** The cluster has them already: measured in a process that has done nothing else. */
    filled: { type: 'boolean', default: false },
  },
});
const count = Number(values.deployments);
const binaries = values.kubeconfig === undefined ? await findBinaries() : undefined;
if (typeof binaries === 'string') throw new Error(binaries);
const plane = binaries === undefined ? undefined : await startControlPlane(binaries, { delay: 20 });
const kubeconfig = plane?.kubeconfig ?? (values.kubeconfig as string);
const api = await openApi(kubeconfig);
const namespace = 'bench';
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const say = (what: string, value: string): unknown => process.stdout.write(`${what.padEnd(52)} ${value}\n`);
const megabytes = (): string => `${Math.round(process.memoryUsage().rss / 1e6)} MB`;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const image = (name: string): string => `registry.example/bench/${name}`;

function deployment(index: number): object {
  const labels = { app: `bench-${index}` };
  const containers = [{ name: 'web', image: image(`web-${index % 100}:1`) }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `bench-${index}` },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

async function fill(): Promise<void> {
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await api.call('POST', deployments, deployment(next++));
  };
  await Promise.all(Array.from({ length: 8 }, work));
  for (;;) {
    const { body } = await api.call(
      'GET',
      `/api/v1/namespaces/${namespace}/pods?fieldSelector=status.phase=Running&limit=1`,
    );
    const running = (body.items?.length ?? 0) + Number(body.metadata?.remainingItemCount ?? 0);
    const all = (await api.call('GET', `${deployments}?limit=500&resourceVersion=0`)).body.items as {
      status: { readyReplicas?: number };
    }[];
    if (all.length === count && all.every(({ status }) => status.readyReplicas === 2)) return;
    process.stderr.write(`${running} pods, ${all.filter(({ status }) => status.readyReplicas === 2).length} ready\n`);
    await pause(3_000);
  }
}

async function measure(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-bench-'));
  const database = await openDatabase({ kind: 'embedded', directory: join(directory, 'database') });
  const stop = new AbortController();
  try {
    say('memory before', megabytes());
    const cpu = process.cpuUsage();
    const began = Date.now();
    const open = () => openClusterInventory({ kubeconfig, name: 'bench' });
    const watching = watchWorkloads([{ name: 'kubernetes:bench', open }], {
      database,
      log: silentLog,
      signal: stop.signal,
    });
    const known = async (): Promise<number> =>
      Number(
        (
          await database.kysely
            .selectFrom('workload')
            .select(({ fn }) => fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      );
    while ((await known()) < count) await pause(20);
    const used = process.cpuUsage(cpu);
    say('first complete inventory, recorded', `${Date.now() - began} ms`);
    say('CPU of it, database included', `${Math.round((used.user + used.system) / 1e3)} ms`);
    say('memory after', megabytes());
    const latencies: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      const patch = {
        spec: { template: { spec: { containers: [{ name: 'web', image: image(`web:changed-${i}`) }] } } },
      };
      const at = Date.now();
      await api.call('PATCH', `${deployments}/bench-${i}`, patch, 'application/strategic-merge-patch+json');
      const changed = database.kysely
        .selectFrom('workload')
        .select('image')
        .where('image', '=', image(`web:changed-${i}`));
      while ((await changed.executeTakeFirst()) === undefined) await pause(5);
      latencies.push(Date.now() - at);
    }
    latencies.sort((a, b) => a - b);
    say('a change is recorded after (median, worst of 10)', `${latencies[5]} ms, ${latencies[9]} ms`);
    const idle = process.cpuUsage();
    await pause(20_000);
    const quiet = process.cpuUsage(idle);
    say('CPU while nothing changes', `${((quiet.user + quiet.system) / 20e6).toFixed(3)} of a core`);
    stop.abort();
    await watching;
    const { KUBECTL } = process.env;
    if (KUBECTL !== undefined) {
      const before = Date.now();
      await run(KUBECTL, ['--kubeconfig', kubeconfig, 'get', 'pods,rs,deploy', '-A', '-o', 'name'], {
        maxBuffer: 2 ** 28,
      });
      say('kubectl get pods,rs,deploy -A -o name', `${Date.now() - before} ms`);
    }
  } finally {
    stop.abort();
    await database.close();
    await rm(directory, { recursive: true, force: true });
  }
}

try {
  if (values.filled) await measure();
  else {
    const filling = Date.now();
    await fill();
    say(`${count} Deployments created and ready`, `${Date.now() - filling} ms`);
    const own = [import.meta.filename, '--filled', '--deployments', String(count), '--kubeconfig', kubeconfig];
    process.stdout.write((await run(process.execPath, own)).stdout);
  }
} finally {
  api.close();
  await plane?.close();
}
