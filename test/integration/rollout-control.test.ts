/** Pause, resume and abort of a rollout that a loop carries on, on real containers under requests. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/database/index.ts';
import { listQuarantine } from '../../src/publish/index.ts';
import { readCampaign } from '../../src/rollout/campaign/store.ts';
import {
  carryCampaign,
  findOrBegin,
  keepRollouts,
  type NewCampaign,
  operateCampaign,
  planOfFleet,
} from '../../src/rollout/index.ts';
import { createEngineRuntime } from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { podmanScratch, SERVE } from './engine-images.ts';
import { startLoad } from './rollout-load.ts';

const RATE = 50;
const PLAN = {
  rollout: { deadline: 60, strategy: { canary: { steps: [{ weight: 50, pause: 'until-resumed' }] } } },
} as const;

test('a canary on podman is paused, resumed, killed, aborted, and not one request fails', {
  timeout: 240_000,
}, async (context) => {
  const scratch = await podmanScratch();
  if ('skip' in scratch) return context.skip(scratch.skip);
  await using resources = new AsyncDisposableStack();
  resources.defer(() => scratch.close());
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-rollout-control-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  resources.defer(() => database.close());
  const runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2_000 });
  resources.defer(() => runtime.close());
  const [one, two] = [await scratch.image('one', 'one', SERVE), await scratch.image('two', 'two', SERVE)];
  const { front } = await runtime.launch({
    ...{ name: 'shop', image: one.image, replicas: 2, port: 8080, portVariable: 'PORT', network: 'host' },
    listen: { host: '127.0.0.1', port: 0 },
    health: { kind: 'http', path: '/index.html' },
  });
  assert.ok(front);
  const load = startLoad(front.address.port, RATE);

  const campaign = ({ image, digest }: ImageUnderTest): NewCampaign => ({
    ...{ cause: 'release', name: 'shop', fleet: 'test', repository: 'shop', tag: undefined, image, digest },
    ...{ previous: undefined, anyTime: false, carrier: 'loop' },
    plan: { ...planOfFleet(PLAN, 'shop'), workloads: [{ workload: 'shop' }] },
  });
  const base = { database, runtimes: [runtime] };
  const begin = async (image: ImageUnderTest): Promise<number> =>
    (await findOrBegin(base, campaign(image), 'heraklit')).id;
  const state = async (id: number): Promise<string> => (await readCampaign(database.kysely, id)).state;
  const until = async (so: () => Promise<boolean>): Promise<void> => {
    while (!(await so())) await sleep(50);
  };
  const images = async (): Promise<readonly string[]> =>
    (await scratch.podman('ps', '--format', '{{.Image}}'))
      .trim()
      .split('\n')
      .map((image) => (image.includes('/two') ? 'two' : 'one'))
      .sort();

  const stop = new AbortController();
  const kept = keepRollouts({ ...base, signal: stop.signal });
  const first = await begin(two);
  await until(async () => (await state(first)) === 'paused');
  assert.deepEqual([...new Set(await images())], ['one', 'two'], 'both run beside each other');
  await operateCampaign(database, first, 'resume', { actor: 'alice' });
  await until(async () => (await readCampaign(database.kysely, first)).finished !== undefined);
  assert.equal(await state(first), 'rolledout');
  assert.deepEqual(await images(), ['two', 'two']);

  const second = await begin(one);
  await until(async () => (await state(second)) === 'paused');
  stop.abort(new Error('the server is stopped'));
  await kept;
  assert.equal(await state(second), 'paused', 'it waits as it was');
  await operateCampaign(database, second, 'abort', { actor: 'alice', reason: 'not today' });
  await carryCampaign(base, second);
  const ended = await readCampaign(database.kysely, second);
  assert.deepEqual([ended.state, ended.reason], ['rolledback', 'aborted by alice: not today']);
  assert.deepEqual(await images(), ['two', 'two']);
  assert.deepEqual(await listQuarantine(database.kysely), []);
  const { requests, failures } = await load.stop();
  context.diagnostic(`${requests} requests, ${failures.length} failed`);
  assert.deepEqual(failures, []);
  await runtime.dismantle('shop');
});
