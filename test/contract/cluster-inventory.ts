/** What a watch over a cluster tells, on our API-server peer and on real API servers: everything through the API alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { type ClusterState, type ObservedWorkload, openClusterInventory } from '../../src/runtime/index.ts';
import { type ApiProxy, startApiProxy } from '../support/api-proxy.ts';
import { created, eventually } from '../support/cluster.ts';
import type { RealApi } from '../support/control-plane/api.ts';

export interface ClusterFixture {
  readonly api: RealApi;
  readonly kubeconfig: string;
  readonly namespace: string;
  /** False where no kubelet, real or played, starts pods: the tests write their states themselves. */
  readonly starts: boolean;
  /** Whether the API server serves batch/v1 CronJobs. */
  readonly cronJobs: boolean;
  close(): Promise<void>;
}

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const image = (letter: string, name = 'web'): string => `registry.example:5000/${name}@${digest(letter)}`;

export function clusterInventoryContract(
  title: string,
  setup: () => Promise<ClusterFixture | { readonly skip: string }>,
): void {
  describe(`${title}: what runs in a cluster`, () => {
    let fixture: ClusterFixture;
    /** Between the watch and the API server; tests speak to the server itself. */
    let proxy: ApiProxy;
    let skip: string | undefined;
    const known = new Map<string, ObservedWorkload>();
    const states: ClusterState[] = [];
    const stop = new AbortController();
    let watching: Promise<void> | undefined;

    before(async () => {
      const made = await setup();
      if ('skip' in made) {
        skip = made.skip;
        return;
      }
      fixture = made;
      const { namespace } = fixture;
      proxy = await startApiProxy(fixture.kubeconfig);
      const { kubeconfig } = proxy;
      const inventory = await openClusterInventory({
        kubeconfig,
        name: 'c',
        namespaces: [namespace],
        pace: { gather: 20, retry: 20, longest: 500, refused: 100 },
      });
      const watch = async (): Promise<void> => {
        for await (const { changed, gone } of inventory.watch(stop.signal, (state) => states.push(state))) {
          for (const one of changed) known.set(one.id, one);
          for (const id of gone) known.delete(id);
        }
        inventory.close();
      };
      watching = watch();
    });
    after(async () => {
      stop.abort();
      await watching;
      await proxy?.close();
      await fixture?.close();
    });
    const contract = (name: string, body: () => Promise<void>): void => {
      test(name, { timeout: 120_000 }, async (context) => {
        if (skip === undefined) await body();
        else context.skip(skip);
      });
    };

    const at = (plural: string, name = ''): string => {
      const group = plural === 'pods' ? 'api/v1' : /jobs/.test(plural) ? 'apis/batch/v1' : 'apis/apps/v1';
      return `/${group}/namespaces/${fixture.namespace}/${plural}${name === '' ? '' : `/${name}`}`;
    };
    const template = (name: string, containers: readonly object[], more: object = {}) => ({
      metadata: { labels: { app: name } },
      spec: { containers, ...more },
    });
    const workload = (kind: string, name: string, letter: string, more: object = {}) => ({
      apiVersion: 'apps/v1',
      kind,
      metadata: { name },
      spec: {
        ...(kind === 'DaemonSet' ? {} : { replicas: 2 }),
        ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
        selector: { matchLabels: { app: name } },
        template: template(name, [{ name: 'web', image: image(letter) }], more),
      },
    });
    const id = (kind: string, name: string): string => `kubernetes:c/${fixture.namespace}/${kind}/${name}`;
    const seen = async (kind: string, name: string, isSo: (one: ObservedWorkload) => boolean = () => true) =>
      (await eventually(
        async () => known.get(id(kind, name)),
        (one) => one !== undefined && isSo(one),
      )) as ObservedWorkload;
    const gone = async (kind: string, name: string): Promise<unknown> =>
      await eventually(
        async () => known.has(id(kind, name)),
        (has) => !has,
      );
    const isRunning = ({ ready, replicas }: ObservedWorkload): boolean => !fixture.starts || ready === replicas;

    contract('Deployments, StatefulSets, DaemonSets are told with their copies', async () => {
      for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet']) {
        await created(fixture.api, at(`${kind.toLowerCase()}s`), workload(kind, `a-${kind.toLowerCase()}`, 'a'));
      }
      for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet']) {
        const one = await seen(
          kind,
          `a-${kind.toLowerCase()}`,
          (now) => isRunning(now) && (!fixture.starts || now.ready > 0),
        );
        assert.deepEqual(one.containers, [
          { name: 'web', role: 'container', image: image('a'), digest: digest('a'), running: [] },
        ]);
      }
      assert.ok(
        [...known.values()].every(({ kind }) => kind !== 'ReplicaSet' && kind !== 'Pod'),
        JSON.stringify([...known.keys()]),
      );
    });

    contract('a change of the image is told, copies that disagree one by one until they agree', async () => {
      const patch = { spec: { template: { spec: { containers: [{ name: 'web', image: image('b') }] } } } };
      const path = at('deployments', 'a-deployment');
      const { status } = await fixture.api.call('PATCH', path, patch, 'application/merge-patch+json');
      assert.equal(status, 200);
      const one = await seen(
        'Deployment',
        'a-deployment',
        (now) =>
          now.containers[0]?.digest === digest('b') && (!fixture.starts || now.containers[0].running.length === 0),
      );
      assert.equal(one.containers[0]?.image, image('b'));
    });

    contract('pods of nobody, and of kinds that nobody knows', async () => {
      const bare = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'web', image: image('a') }] } };
      await created(fixture.api, at('pods'), { ...bare, metadata: { name: 'bare' } });
      const owner = {
        apiVersion: 'databases.example/v1',
        kind: 'Cluster',
        name: 'main',
        uid: crypto.randomUUID(),
        controller: true,
      };
      await created(fixture.api, at('pods'), { ...bare, metadata: { name: 'main-1', ownerReferences: [owner] } });
      await seen('Pod', 'bare', isRunning);
      assert.equal((await seen('Cluster', 'main')).replicas, 1);
      await fixture.api.call('DELETE', at('pods', 'bare'));
      await gone('Pod', 'bare');
    });

    contract('init containers are told apart', async () => {
      const init = { initContainers: [{ name: 'init', image: image('d', 'init') }] };
      await created(fixture.api, at('deployments'), workload('Deployment', 'prepared', 'a', init));
      const one = await seen('Deployment', 'prepared');
      assert.deepEqual(
        one.containers.map(({ name, role, digest: own }) => [name, role, own]),
        [
          ['web', 'container', digest('a')],
          ['init', 'init', digest('d')],
        ],
      );
    });

    contract('Jobs end; a CronJob is told before it ever ran', async () => {
      const spec = { restartPolicy: 'Never' };
      const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' } };
      const pod = template('once', [{ name: 'once', image: image('a') }], spec);
      // Not started where nothing starts: it is there until it has ended.
      await created(fixture.api, at('jobs'), { ...job, spec: { template: pod } });
      if (!fixture.starts) await seen('Job', 'once');
      else
        await eventually(
          async () => (await fixture.api.call('GET', at('jobs', 'once'))).body.status?.succeeded,
          (done) => done === 1,
        );
      if (fixture.starts) await gone('Job', 'once');
      if (!fixture.cronJobs) return;
      const cron = { schedule: '0 3 1 1 *', jobTemplate: { spec: { template: pod } } };
      await created(fixture.api, at('cronjobs'), {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'nightly' },
        spec: cron,
      });
      assert.equal((await seen('CronJob', 'nightly')).replicas, 0);
    });

    const deploy = async (name: string, letter = 'a') =>
      await created(fixture.api, at('deployments'), workload('Deployment', name, letter));
    const remove = async (name: string) => {
      const options = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
      await fixture.api.call('DELETE', at('deployments', name), options);
    };
    const synced = async (): Promise<unknown> =>
      await eventually(
        async () => states.at(-1),
        (state) => state?.synced === true && state.problems.length === 0,
      );

    contract('watches that break in the middle of an event go on where they were', async () => {
      await synced();
      const lists = () => proxy.requests.filter((line) => !line.includes('watch=true')).length;
      const before = lists();
      proxy.cut();
      await deploy('after-cut');
      await seen('Deployment', 'after-cut');
      await synced();
      assert.equal(lists(), before, 'nothing was listed again');
    });

    contract('expired watches, told either way, begin with a list again', async () => {
      await deploy('expiring');
      await seen('Deployment', 'expiring');
      for (const asEvent of [true, false]) {
        proxy.fail({ status: 410, only: /watch=true/, asEvent }, 7);
        proxy.cut();
        if (asEvent) await remove('expiring');
        else await deploy('after-expiry');
      }
      await gone('Deployment', 'expiring');
      await seen('Deployment', 'after-expiry');
      await synced();
    });

    contract('a cluster that goes away is remembered, and caught up with when it is back', async () => {
      await proxy.down();
      await eventually(
        async () => states.at(-1),
        (state) => state?.synced === false && state.problems.length > 0,
      );
      assert.ok(known.has(id('Deployment', 'after-expiry')));
      await remove('after-expiry');
      await deploy('meanwhile');
      await proxy.up();
      await seen('Deployment', 'meanwhile');
      await gone('Deployment', 'after-expiry');
      await synced();
    });

    contract('an API server that throttles is asked no sooner than it says', async () => {
      const asked = () => proxy.requests.length;
      proxy.refuse({ status: 429, headers: { 'retry-after': '1' } });
      proxy.cut();
      const before = asked();
      await deploy('throttled');
      // Each watch once, then after a second: far from what a loop without waiting would ask.
      await eventually(
        async () => asked() - before,
        (count) => count >= 14,
      );
      assert.ok(asked() - before <= 40, `${asked() - before} requests`);
      proxy.refuse(undefined);
      await seen('Deployment', 'throttled');
      await synced();
    });

    contract('a token that is refused for a while, and a server that fails', async () => {
      for (const status of [401, 500, 503]) {
        proxy.fail({ status }, 20);
        proxy.cut();
        await deploy(`after-${status}`);
        await seen('Deployment', `after-${status}`);
      }
      await synced();
    });

    contract('rights that are missing are named, and the rest is told', async () => {
      proxy.refuse({ status: 403, only: /replicasets/ });
      const { kubeconfig } = proxy;
      const stopped = new AbortController();
      const told: ClusterState[] = [];
      const poor = await openClusterInventory({ kubeconfig, name: 'c', namespaces: [fixture.namespace] });
      for await (const { changed } of poor.watch(stopped.signal, (state) => told.push(state))) {
        assert.deepEqual(
          changed.filter(({ kind }) => kind === 'ReplicaSet').map(({ id: own }) => own),
          [],
        );
        assert.ok(changed.some(({ name }) => name === 'throttled'));
        stopped.abort();
      }
      poor.close();
      proxy.refuse(undefined);
      assert.match(told.at(-1)?.problems.join() ?? '', /replicasets.*403/);
      assert.equal(told.at(-1)?.synced, false);
      // Without pods nothing is told.
      proxy.refuse({ status: 403, only: /pods/ });
      const blind = await openClusterInventory({ kubeconfig, name: 'c' });
      await assert.rejects(blind.observe(), (error) => isHeraklitError(error, 'KUBERNETES_REFUSED'));
      blind.close();
      proxy.refuse(undefined);
    });

    contract('lists go on page by page, and begin anew when pages have become too old', async () => {
      proxy.page(3);
      proxy.fail({ status: 410, only: /pods\?.*continue=/ }, 1);
      const paged = await openClusterInventory({
        kubeconfig: proxy.kubeconfig,
        name: 'c',
        namespaces: [fixture.namespace],
      });
      const ids = (await paged.observe()).map(({ id: own }) => own).sort();
      paged.close();
      proxy.page(undefined);
      assert.deepEqual(ids, [...known.keys()].sort());
      assert.ok(proxy.requests.some((line) => line.includes('continue=')));
    });

    contract('looking once tells the same as watching', async () => {
      const { kubeconfig, namespace } = fixture;
      const once = await openClusterInventory({ kubeconfig, name: 'c', namespaces: [namespace] });
      const sorted = (all: Iterable<ObservedWorkload>) => [...all].sort((a, b) => (a.id < b.id ? -1 : 1));
      await eventually(
        async () => JSON.stringify([sorted(await once.observe()), sorted(known.values())]),
        (text) => {
          const [now, watched] = JSON.parse(text) as [unknown, unknown];
          return JSON.stringify(now) === JSON.stringify(watched);
        },
      );
      once.close();
      assert.ok(known.size >= 5);
      assert.deepEqual(states.at(-1), { synced: true, problems: [] });
    });

    contract('what is deleted is gone, with its pods', async () => {
      for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet']) {
        await fixture.api.call('DELETE', at(`${kind.toLowerCase()}s`, `a-${kind.toLowerCase()}`), {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          propagationPolicy: 'Background',
        });
        await gone(kind, `a-${kind.toLowerCase()}`);
      }
    });

    contract('a namespace that is deleted takes everything with it', async () => {
      await fixture.api.call('DELETE', `/api/v1/namespaces/${fixture.namespace}`);
      await eventually(
        async () => [...known.keys()],
        (ids) => ids.length === 0,
      );
    });
  });
}
