import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEngineRuntime, type EngineRuntime, type Workload } from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';
import { type LoadResult, startLoad } from './rollout-load.ts';

/** Containers of the group; what a machine with two cores bears together with 400 requests a second. */
const COPIES = Number(process.env.HERAKLIT_TEST_COPIES ?? 20);
const RATE = 400;
const HANGING = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; while :; do /bin/busybox sleep 1 & wait $!; done'];

describe('rollout on podman under load', () => {
  let scratch: PodmanScratch;
  let skip: string | undefined;
  let runtime: EngineRuntime;
  let images: { one: ImageUnderTest; two: ImageUnderTest; hanging: ImageUnderTest };
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
    runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 5000 });
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
  const launch = async (name: string, replicas: number): Promise<number> => {
    const { front } = await runtime.launch({
      name,
      image: images.one.image,
      replicas,
      port: 8080,
      portVariable: 'PORT',
      network: 'host',
      listen: { host: '127.0.0.1', port: 0 },
      health: { kind: 'http', path: '/index.html' },
    });
    assert.ok(front);
    return front.address.port;
  };
  const workload = async (name: string): Promise<Workload> => {
    const found = (await runtime.list()).find((one) => one.name === name);
    assert.ok(found);
    return found;
  };
  const told = (context: TestContext, load: LoadResult): void => {
    const rate = Math.round(load.requests / load.seconds);
    context.diagnostic(
      `${load.requests} requests in ${load.seconds.toFixed(1)} s (${rate}/s), ${load.failures.length} failed`,
    );
  };

  integration(`${COPIES} copies are replaced and not one request fails`, async (context) => {
    const port = await launch('load', COPIES);
    const load = startLoad(port, RATE);
    const outcome = await runtime.rollout({ workload: await workload('load'), ...images.two, deadline: 20_000 });
    await sleep(200);
    const result = await load.stop();
    told(context, result);
    assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
    assert.ok(outcome.kind === 'rolledout' && !outcome.interrupted);
    assert.deepEqual(result.failures, []);
    assert.deepEqual([...result.bodies.keys()].sort(), ['one', 'two']);
    assert.equal((await workload('load')).replicas, COPIES);
    const names = (await scratch.podman('ps', '--all', '--format', '{{.Names}}')).trim().split('\n').sort();
    assert.deepEqual(names, Array.from({ length: COPIES }, (_, i) => `load-${i + 1}`).sort());
  });

  integration('a candidate that never answers is rolled back and not one request fails', async (context) => {
    const port = (await runtime.launch({ name: 'load', image: images.two.image, replicas: COPIES })).front?.address
      .port;
    const load = startLoad(port as number, RATE);
    const outcome = await runtime.rollout({ workload: await workload('load'), ...images.hanging, deadline: 2000 });
    const result = await load.stop();
    told(context, result);
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'image', JSON.stringify(outcome));
    assert.match(outcome.reason, /load-1: not healthy within 2000 ms/);
    assert.deepEqual(result.failures, []);
    assert.deepEqual([...result.bodies.keys()], ['two']);
    assert.equal((await workload('load')).digest, images.two.digest);
    await runtime.dismantle('load');
  });

  integration('a rollout killed with SIGKILL at any step is finished by the next one', async () => {
    const script = `
      import { createEngineRuntime } from './src/runtime/index.ts';
      const [options, request] = process.argv.slice(1).map((text) => JSON.parse(text));
      const runtime = createEngineRuntime(options);
      const workload = (await runtime.list()).find(({ name }) => name === 'killed');
      console.log('started');
      await runtime.rollout({ workload, ...request });`;
    await runtime.launch({
      name: 'killed',
      image: images.one.image,
      replicas: 3,
      port: 8080,
      portVariable: 'PORT',
      network: 'host',
      health: { kind: 'http', path: '/index.html' },
    });
    const options = { command: 'podman', engineArguments: scratch.arguments, grace: 1000 };
    for (let round = 0; round < 8; round += 1) {
      const to = round % 2 === 0 ? images.two : images.one;
      const request = { ...to, deadline: 10_000 };
      const child = spawn(
        process.execPath,
        ['--input-type=module', '--eval', script, JSON.stringify(options), JSON.stringify(request)],
        {
          cwd: `${import.meta.dirname}/../..`,
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await once(child.stdout, 'data');
      await sleep(40 + round * 110);
      const ended = child.exitCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await ended;
      const outcome = await runtime.rollout({ workload: await workload('killed'), ...request });
      assert.notEqual(outcome.kind, 'rolledback', JSON.stringify(outcome));
      const after = await workload('killed');
      assert.equal(after.digest, to.digest);
      const names = (await scratch.podman('ps', '--all', '--format', '{{.Names}} {{.Status}}'))
        .trim()
        .split('\n')
        .sort();
      assert.deepEqual(
        names.map((line) => line.split(' ').slice(0, 2)),
        [1, 2, 3].map((copy) => [`killed-${copy}`, 'Up']),
      );
    }
    await runtime.dismantle('killed');
  });

  integration(
    'a container with a fixed port keeps its settings; an unhealthy candidate brings the old one back',
    async () => {
      const settings = [
        '--network',
        'host',
        '--env',
        'PORT=18431',
        '--env',
        'TOKEN=x=y',
        '--label',
        'team=web',
        '--memory',
        '64m',
      ];
      const limits = [
        '--ulimit',
        'nofile=1024:1024',
        '--ulimit',
        'nproc=1024:1024',
        '--read-only',
        '--user',
        '65534:65534',
      ];
      const mounts = ['--volume', `${scratch.directory}:/data:ro`, '--volume', 'kept:/state'];
      const rest = ['--restart', 'on-failure:2', '--cap-drop', 'ALL', '--workdir', '/www', '--hostname', 'named'];
      const created = ['run', '--detach', '--name', 'single', ...settings, ...limits, ...mounts, ...rest.slice(0, 6)];
      await scratch.podman(...created, images.one.image);
      const inspect = async () => JSON.parse(await scratch.podman('container', 'inspect', 'single'))[0];
      const old = await inspect();
      const ask = async (): Promise<string> => {
        const [message] = (await once(get('http://127.0.0.1:18431/index.html'), 'response')) as [IncomingMessage];
        return String(await message.toArray());
      };
      const health = { kind: 'http', port: 18431, path: '/index.html' } as const;
      const back = await runtime.rollout({
        workload: await workload('single'),
        ...images.hanging,
        deadline: 1000,
        health,
      });
      assert.ok(back.kind === 'rolledback' && back.interrupted, JSON.stringify(back));
      assert.equal((await inspect()).Id, old.Id);
      while ((await ask().catch(() => '')) !== 'one') await sleep(50);
      const outcome = await runtime.rollout({
        workload: await workload('single'),
        ...images.two,
        deadline: 10_000,
        health,
      });
      assert.ok(outcome.kind === 'rolledout' && outcome.interrupted, JSON.stringify(outcome));
      assert.equal(await ask(), 'two');
      const now = await inspect();
      const facts = (of: typeof now) => ({
        // Podman adds HOME and HOSTNAME itself, at a moment of its own.
        env: of.Config.Env.filter((entry: string) => !/^(?:HOSTNAME|HOME)=/.test(entry)).sort(),
        command: of.Config.Cmd,
        user: of.Config.User,
        workdir: of.Config.WorkingDir,
        label: of.Config.Labels.team,
        mounts: of.Mounts.map(({ Source, Destination, RW }: Record<string, unknown>) => ({ Source, Destination, RW })),
        memory: of.HostConfig.Memory,
        readonly: of.HostConfig.ReadonlyRootfs,
        restart: of.HostConfig.RestartPolicy,
        capabilities: of.EffectiveCaps,
        limits: of.HostConfig.Ulimits,
      });
      assert.deepEqual(facts(now), facts(old));
      await runtime.dismantle('single');
    },
  );
});
