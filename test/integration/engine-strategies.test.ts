/** Canary, blue-green, taking back and being overtaken on podman, with requests all the while. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createEngineRuntime,
  type EngineRuntime,
  type RolloutControl,
  type RolloutStep,
  type StepVerdict,
  type Workload,
} from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';
import { startLoad } from './rollout-load.ts';

const RATE = 150;
const ASKED = 100;
const HANGING = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; while :; do /bin/busybox sleep 1 & wait $!; done'];

/** Which image answers each of `ASKED` requests in turn. */
async function answers(port: number): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < ASKED; i += 1) {
    const text = await (await fetch(`http://127.0.0.1:${port}/index.html`)).text();
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

describe('strategies on podman', () => {
  let scratch: PodmanScratch;
  let skip: string | undefined;
  let runtime: EngineRuntime;
  let images: Readonly<Record<'one' | 'two' | 'hanging', ImageUnderTest>>;
  let port = 0;
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) {
      skip = made.skip;
      return;
    }
    scratch = made;
    images = {
      one: await scratch.image('one', 'one', SERVE),
      two: await scratch.image('two', 'two', SERVE),
      hanging: await scratch.image('hanging', 'hanging', HANGING),
    };
    runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2000, parallel: 3 });
    const { front } = await runtime.launch({
      name: 'web',
      image: images.one.image,
      replicas: 3,
      port: 8080,
      portVariable: 'PORT',
      network: 'host',
      listen: { host: '127.0.0.1', port: 0 },
      health: { kind: 'http', path: '/index.html' },
    });
    port = front?.address.port ?? 0;
  });
  after(async () => {
    await runtime?.close();
    await scratch?.close();
  });

  const integration = (name: string, body: (context: TestContext) => Promise<void>): void => {
    test(name, { timeout: 240_000 }, async (context) => {
      if (skip === undefined) await body(context);
      else context.skip(skip);
    });
  };
  const workload = async (name = 'web'): Promise<Workload> => {
    const found = (await runtime.list()).find((one) => one.name === name);
    assert.ok(found);
    return found;
  };
  const names = async (): Promise<readonly string[]> =>
    (await scratch.podman('ps', '--all', '--format', '{{.Names}}')).trim().split('\n').sort();
  const control = (step: (step: RolloutStep) => Promise<StepVerdict>): RolloutControl => ({
    stepReached: step,
    revoked: async () => undefined,
  });
  const three = ['web-1', 'web-2', 'web-3'];

  integration('a canary gets its share of the requests at each step, and then all', async () => {
    const seen: unknown[] = [];
    const load = startLoad(port, RATE);
    const outcome = await runtime.rollout({
      workload: await workload(),
      ...images.two,
      deadline: 20_000,
      strategy: { kind: 'canary', steps: [{ weight: 10 }, { weight: 50, pause: 'until-resumed' }] },
      control: control(async ({ index, count, weight, pause, before, after }) => {
        seen.push([index, count, weight, pause, before.members.length, after.members.length]);
        await load.pause();
        const { two = 0 } = await answers(port);
        assert.equal(two, weight);
        load.resume();
        return { kind: 'go' };
      }),
    });
    const { failures, bodies } = await load.stop();
    assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
    assert.deepEqual(failures, []);
    assert.deepEqual([...bodies.keys()].sort(), ['one', 'two']);
    assert.deepEqual(seen, [
      [0, 2, 10, undefined, 3, 1],
      [1, 2, 50, 'until-resumed', 3, 2],
    ]);
    assert.deepEqual(await names(), three);
    assert.deepEqual(await answers(port), { two: ASKED });
  });

  integration('a step that is answered with the way back leaves what ran, and blames whom it is told to', async () => {
    const load = startLoad(port, RATE);
    const outcome = await runtime.rollout({
      workload: await workload(),
      ...images.one,
      deadline: 20_000,
      strategy: { kind: 'blueGreen', keep: 60_000 },
      control: control(async ({ index, weight }) => {
        await load.pause();
        assert.deepEqual(await answers(port), index === 0 ? { two: ASKED } : { one: ASKED });
        load.resume();
        return weight === 0 ? { kind: 'go' } : { kind: 'back', reason: 'more errors than before', blame: 'operator' };
      }),
    });
    const { failures } = await load.stop();
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'operator', JSON.stringify(outcome));
    assert.match(outcome.reason, /more errors than before/);
    assert.deepEqual(failures, []);
    assert.deepEqual(await answers(port), { two: ASKED });
    assert.deepEqual(await names(), three);
  });

  integration('a new copy that ends while a step is held ends the rollout', async () => {
    const outcome = await runtime.rollout({
      workload: await workload(),
      ...images.one,
      deadline: 20_000,
      strategy: { kind: 'canary', steps: [{ weight: 30, pause: 'until-resumed' }] },
      control: {
        revoked: async () => undefined,
        stepReached: async ({ after }, signal) => {
          await scratch.podman('kill', after.members[0] as string);
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
          return { kind: 'go' };
        },
      },
    });
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'image', JSON.stringify(outcome));
    assert.match(outcome.reason, /web-1: it ended with exit code/);
    assert.deepEqual(await answers(port), { two: ASKED });
    assert.deepEqual(await names(), three);
  });

  integration('a rollout that is revoked while copies come up goes back at once', async () => {
    let asked = 0;
    const outcome = await runtime.rollout({
      workload: await workload(),
      ...images.hanging,
      deadline: 200_000,
      control: {
        stepReached: async () => ({ kind: 'go' }),
        revoked: async () => {
          asked += 1;
          return asked < 2 ? undefined : { kind: 'back', reason: 'aborted by a person', blame: 'operator' };
        },
      },
    });
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'operator', JSON.stringify(outcome));
    assert.ok(outcome.milliseconds < 100_000);
    assert.equal(asked, 2);
    assert.deepEqual(await names(), three);
  });

  integration('a container that somebody else replaced meanwhile is theirs, and what we prepared goes', async () => {
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network', 'none'];
    const start = async (image: string): Promise<string> =>
      (await scratch.podman('run', '--detach', '--name', 'alone', '--env', 'PORT=1', ...limits, image)).trim();
    await start(images.one.image);
    let theirs = '';
    const outcome = await runtime.rollout({
      workload: await workload('alone'),
      ...images.two,
      deadline: 60_000,
      health: { kind: 'running' },
      control: {
        stepReached: async () => ({ kind: 'go' }),
        revoked: async () => {
          if (theirs !== '') return undefined;
          await scratch.podman('rm', '--force', '--time', '0', 'alone');
          theirs = await start(images.hanging.image);
          return undefined;
        },
      },
    });
    assert.equal(outcome.kind, 'overtaken', JSON.stringify(outcome));
    assert.match('reason' in outcome ? outcome.reason : '', /replaced by one of localhost\/hanging/);
    assert.equal(JSON.parse(await scratch.podman('inspect', 'alone'))[0].Id, theirs);
    assert.deepEqual(await names(), ['alone', ...three]);
    await assert.rejects(
      runtime.rollout({
        workload: await workload('alone'),
        ...images.two,
        deadline: 1000,
        strategy: { kind: 'canary', steps: [{ weight: 50 }] },
      }),
      (error) => isHeraklitError(error, 'ENGINE_HOST_STRATEGY_IMPOSSIBLE'),
    );
    await runtime.dismantle('alone');
  });
});
