/** What is recorded of running things, on every kind of database. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { silentLog } from '../../src/base/index.ts';
import { clusterStatuses, watchWorkloads } from '../../src/crawl/index.ts';
import { remember } from '../../src/crawl/store.ts';
import type { Database } from '../../src/database/index.ts';
import { inspectImage } from '../../src/inventory/index.ts';
import {
  changeWorkloads,
  type RecordedWorkload,
  recordImages,
  recordWorkloads,
  whereDigest,
} from '../../src/inventory/store/index.ts';
import type { ClusterInventory, ClusterState, ObservedWorkload, WorkloadChanges } from '../../src/runtime/index.ts';

/** Of an image without anything in it. */
async function emptyContents() {
  const root = await mkdtemp(join(tmpdir(), 'heraklit-empty-'));
  try {
    return await inspectImage({ kind: 'dir', root });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const [A, B] = [digest('a'), digest('b')];
const NOW = new Date('2026-11-20T10:00:00Z');
const LATER = new Date('2026-11-20T11:00:00Z');

const workload = (name: string, more: Partial<RecordedWorkload> = {}): RecordedWorkload => ({
  id: `kubernetes:c/shop/Deployment/${name}`,
  kind: 'Deployment',
  namespace: 'shop',
  name,
  replicas: 2,
  ready: 2,
  containers: [{ name: 'web', role: 'container', image: 'registry.example/web:1', digest: A, running: [] }],
  ...more,
});
const scope = { runtime: 'kubernetes', prefix: 'kubernetes:c/' };

export function workloadsContract(title: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`${title}: workloads`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(async () => {
      await database.close();
      await cleanup();
    });
    beforeEach(async () => {
      for (const table of ['workload', 'workload_replicas', 'workload_source'] as const) {
        await database.kysely.deleteFrom(table).execute();
      }
    });
    const rows = () => database.kysely.selectFrom('workload').selectAll().orderBy('id').orderBy('container').execute();
    const names = async () => (await rows()).map(({ name, container }) => `${name}/${container}`);
    const record = (workloads: readonly RecordedWorkload[], now = NOW, more: object = {}) =>
      database.transaction((trx) => recordWorkloads(trx, { ...scope, ...more }, workloads, now));

    test('a list takes the place of the one before in its scope alone, and writes what changed alone', async () => {
      await record([workload('a'), workload('b')]);
      await database.transaction((trx) =>
        recordWorkloads(
          trx,
          { runtime: 'kubernetes', prefix: 'kubernetes:d/' },
          [workload('z', { id: 'kubernetes:d/shop/Deployment/z' })],
          NOW,
        ),
      );
      await record([workload('b'), workload('c', { ready: 1 })], LATER);
      assert.deepEqual(await names(), ['b/web', 'c/web', 'z/web']);
      assert.deepEqual(
        (await rows()).map(({ seen }) => seen.toISOString()),
        [NOW, LATER, NOW].map((one) => one.toISOString()),
      );
      await record([], LATER, { namespaces: ['other'] });
      await record([], LATER, { kinds: ['CronJob'] });
      assert.equal((await names()).length, 3);
      await record([], LATER, { namespaces: ['shop'] });
      assert.deepEqual(await names(), ['z/web']);
    });

    test('replicas that disagree use both images, by whatever digest these are known', async () => {
      const running = [
        { digest: A, replicas: 1 },
        { digest: B, replicas: 3 },
      ];
      const mixed = workload('a', {
        containers: [{ name: 'web', image: 'registry.example/web:1', digest: undefined, running }],
      });
      await record([mixed, workload('b')]);
      const users = async (of: string) =>
        (
          await database.kysely
            .selectFrom('workload_image')
            .select('id')
            .distinct()
            .where('digest', '=', of)
            .orderBy('id')
            .execute()
        ).map(({ id }) => id.slice(-1));
      assert.deepEqual([await users(A), await users(B)], [['a', 'b'], ['a']]);
      await database.transaction((trx) =>
        changeWorkloads(trx, 'kubernetes', { changed: [workload('a')], gone: [workload('b').id] }, LATER),
      );
      assert.deepEqual([await users(A), await users(B)], [['a'], []]);
      assert.deepEqual(await names(), ['a/web']);
    });

    test('an image is found by the digests of its index and its configuration, too', async () => {
      const [image, index, config] = [digest('1'), digest('2'), digest('3')];
      await database.transaction(async (trx) => {
        const contents = { ...(await emptyContents()), alsoKnownAs: [config] };
        await recordImages(trx, [{ digest: image, contents, reference: 'registry.example/web:1', now: NOW }]);
        const name = { reference: 'registry.example/web:1', digest: index, image };
        await remember(trx, 'registry:registry.example', [name], NOW);
      });
      const container = { name: 'web', image: 'registry.example/web:1', running: [] };
      await record([
        workload('by-index', { containers: [{ ...container, digest: index }] }),
        workload('by-config', {
          containers: [{ ...container, digest: undefined, running: [{ digest: config, replicas: 2 }] }],
        }),
        workload('by-manifest', { containers: [{ ...container, digest: image }] }),
        workload('other', { containers: [{ ...container, digest: B }] }),
      ]);
      const found = await whereDigest(database.kysely, { digest: image });
      assert.deepEqual(
        found.rows.flatMap(({ workloads }) => workloads.map((id) => id.slice(id.lastIndexOf('/') + 1))),
        ['by-config', 'by-index', 'by-manifest'],
      );
    });

    test('a survey of templates leaves what a watch told besides', async () => {
      const container = { name: 'web', image: 'registry.example/web:1', digest: A };
      const injected = { name: 'proxy', role: 'injected', image: 'mesh:1', digest: B, running: [] };
      await record([workload('a', { containers: [{ ...container, running: [] }, injected] })]);
      const { ready: _, ...surveyed } = workload('a', { containers: [{ ...container, digest: B }] });
      await record([surveyed], LATER, { allRoles: false });
      assert.deepEqual(await names(), ['a/proxy', 'a/web']);
      const [proxy, web] = await rows();
      assert.deepEqual([proxy?.role, web?.role, web?.digest, web?.ready], ['injected', 'container', B, 2]);
      await record([workload('a')], LATER);
      assert.deepEqual(await names(), ['a/web']);
    });

    test('a watch is recorded, its state told, and a cluster that is named no more forgotten', async () => {
      const stop = new AbortController();
      const observed = workload('a') as ObservedWorkload;
      const inventory = (changes: readonly WorkloadChanges[], states: readonly ClusterState[]): ClusterInventory => ({
        prefix: 'kubernetes:c/',
        observe: async () => [],
        async *watch(signal, onState) {
          for (const state of states) onState?.(state);
          yield* changes;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        },
        close: () => undefined,
      });
      const first = inventory([{ whole: true, changed: [observed], gone: [] }], [{ synced: true, problems: [] }]);
      const options = { database, log: silentLog, signal: stop.signal, now: () => NOW, retry: 1 };
      let opened = 0;
      const open = async () => {
        opened += 1;
        if (opened === 1) throw new Error('away');
        return first;
      };
      const watching = watchWorkloads([{ name: 'kubernetes:c', open }], options);
      while ((await names()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      stop.abort();
      await watching;
      assert.deepEqual(await clusterStatuses(database.kysely), [
        { name: 'kubernetes:c', synced: NOW.toISOString(), failing: null, problems: [], workloads: 1 },
      ]);
      const ended = new AbortController();
      ended.abort();
      await watchWorkloads([], { ...options, signal: ended.signal });
      assert.deepEqual([await names(), await clusterStatuses(database.kysely)], [[], []]);
    });
  });
}
