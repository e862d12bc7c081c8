/** Services of a compose project, made by the real podman-compose, replaced one container at a time. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { isHeraklitError } from '../../src/base/index.ts';
import { createEngineRuntime, type EngineRuntime, type Workload } from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { type PodmanScratch, podmanScratch } from './engine-images.ts';

const run = promisify(execFile);
const SERVE = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; /bin/busybox httpd -f -p 8080 -h /www & wait'];
/** Its networks are the machine's: podman keeps those of root in one place. */
const PROJECT = `shop${process.pid}`;

describe('services of a compose project', () => {
  let scratch: PodmanScratch;
  let skip: string | undefined;
  let runtime: EngineRuntime;
  let folder = '';
  let images: Readonly<Record<'one' | 'two' | 'bad', ImageUnderTest>>;
  const compose = async (...argv: readonly string[]): Promise<string> =>
    (await run('podman-compose', ['--podman-path', join(folder, 'podman'), '-p', PROJECT, ...argv], { cwd: folder }))
      .stdout;
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) {
      skip = made.skip;
      return;
    }
    scratch = made;
    if ((await run('podman-compose', ['--help']).catch(() => undefined)) === undefined) {
      skip = 'podman-compose not installed';
      return;
    }
    images = {
      one: await scratch.image('one', 'one', SERVE),
      two: await scratch.image('two', 'two', SERVE),
      bad: await scratch.image('bad', 'bad', ['/bin/busybox', 'false']),
    };
    folder = join(scratch.directory, 'project');
    await mkdir(folder);
    await writeFile(join(folder, 'podman'), `#!/bin/sh\nexec podman ${scratch.arguments.join(' ')} "$@"\n`);
    await chmod(join(folder, 'podman'), 0o755);
    const limits = 'ulimits: { nofile: { soft: 1024, hard: 1024 }, nproc: { soft: 1024, hard: 1024 } }';
    const lines = [
      'version: "3"',
      'services:',
      `  web:\n    image: ${images.one.image}\n    ${limits}`,
      '    environment: { TOKEN: x=y }\n    volumes: [ "data:/data", "/anonymous" ]',
      '    networks: [ front, back ]',
      `  host:\n    image: ${images.one.image}\n    ${limits}\n    networks: [ back ]`,
      'volumes: { data: {} }',
      'networks: { front: {}, back: {} }',
    ];
    await writeFile(join(folder, 'docker-compose.yml'), `${lines.join('\n')}\n`);
    await compose('up', '--detach');
    runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2000 });
  });
  after(async () => {
    await runtime?.close();
    await scratch?.podman('rm', '--all', '--force', '--time', '0').catch(() => '');
    await scratch?.podman('network', 'rm', '--force', `${PROJECT}_front`, `${PROJECT}_back`).catch(() => '');
    await scratch?.close();
  });

  const integration = (name: string, body: (context: TestContext) => Promise<void>): void => {
    test(name, { timeout: 240_000 }, async (context) => {
      if (skip === undefined) await body(context);
      else context.skip(skip);
    });
  };
  const workload = async (name: string): Promise<Workload> => {
    const found = (await runtime.list()).find((one) => one.name === name);
    assert.ok(found, `${name} is listed`);
    return found;
  };
  interface Facts {
    readonly Name: string;
    readonly Config: { readonly Env: readonly string[]; readonly Labels: Record<string, string> };
    readonly Mounts: readonly { readonly Name: string; readonly Destination: string }[];
    readonly NetworkSettings: { readonly Networks: Record<string, { readonly Aliases: readonly string[] | null }> };
  }
  const containers = async (service: string): Promise<readonly Facts[]> => {
    const filter = ['--filter', `label=com.docker.compose.service=${service}`, '--format', '{{.Names}}'];
    const names = (
      await scratch.podman('ps', '--filter', `label=io.podman.compose.project=${PROJECT}`, ...filter)
    ).trim();
    return JSON.parse(await scratch.podman('container', 'inspect', ...names.split('\n').sort()));
  };
  const facts = (of: Facts) => ({
    name: of.Name,
    env: of.Config.Env.filter((entry) => /^TOKEN=/.test(entry)),
    labels: Object.fromEntries(Object.entries(of.Config.Labels).filter(([name]) => !name.startsWith('io.heraklit'))),
    mounts: of.Mounts.map(({ Name, Destination }) => `${Name}:${Destination}`).sort(),
    networks: Object.entries(of.NetworkSettings.Networks)
      .map(([name, { Aliases }]) => [name, (Aliases ?? []).filter((alias) => !/^[0-9a-f]{12}$/.test(alias)).sort()])
      .sort(),
  });
  const ask = async (from: string, name: string): Promise<string> =>
    await scratch.podman('exec', from, '/bin/busybox', 'wget', '-q', '-O', '-', `http://${name}:8080/index.html`);

  integration('are one workload each, and keep names, labels, networks with aliases and volumes', async () => {
    const web = await workload(`${PROJECT}/web`);
    const before = await containers('web');
    assert.deepEqual([web.id, web.replicas], [`podman:${PROJECT}/web`, before.length]);
    const outcome = await runtime.rollout({ workload: web, ...images.two, deadline: 20_000 });
    assert.ok(outcome.kind === 'rolledout' && !outcome.interrupted, JSON.stringify(outcome));
    const after = await containers('web');
    assert.deepEqual(after.map(facts), before.map(facts));
    assert.equal((await workload(`${PROJECT}/web`)).digest, images.two.digest);
    assert.match(await compose('ps'), new RegExp(String(after[0]?.Name)));
  });

  integration('of a candidate that fails nothing is left, and the old one answers', async () => {
    const before = (await containers('web')).map(facts);
    const asked = { workload: await workload(`${PROJECT}/web`), ...images.bad, deadline: 5000 };
    const outcome = await runtime.rollout(asked);
    assert.ok(outcome.kind === 'rolledback' && outcome.blame === 'image', JSON.stringify(outcome));
    assert.deepEqual((await containers('web')).map(facts), before);
    const own = String(before[0]?.name);
    assert.equal(await ask(own, '127.0.0.1'), 'two');
  });

  integration('are refused where others live in their network, or a unit or a pod has them', async () => {
    const refused = async (name: string, words: RegExp): Promise<void> => {
      const asked = { workload: await workload(name), ...images.two, deadline: 5000 };
      await assert.rejects(
        runtime.rollout(asked),
        (error) => isHeraklitError(error, 'ENGINE_HOST_NOT_REPLACEABLE') && words.test(error.message),
        name,
      );
    };
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
    // As compose starts one with `network_mode: service:host`.
    const beside = ['run', '--detach', '--name', 'side', '--network', `container:${PROJECT}_host_1`, ...limits];
    await scratch.podman(...beside, images.one.image, '/bin/busybox', 'sleep', '1000');
    await refused(`${PROJECT}/host`, /side lives in its network/);
    await scratch.podman('rm', '--force', '--time', '0', 'side');
    await scratch.podman(
      'run',
      '-d',
      '--name',
      'unit',
      '--label',
      'PODMAN_SYSTEMD_UNIT=web.service',
      ...limits,
      images.one.image,
    );
    await refused('unit', /web\.service/);
    assert.deepEqual((await workload('unit')).managedBy, { by: 'systemd', id: 'web.service' });
    // A pod's infra container needs an image of its own: any with a program that stays.
    const infra = ['--infra-image', images.one.image, '--infra-command', '/bin/busybox sleep 1000', '--share', 'ipc'];
    await scratch.podman('pod', 'create', '--name', 'pod', ...infra);
    await scratch.podman('create', '--name', 'member', '--pod', 'pod', ...limits, images.one.image);
    await scratch.podman('start', 'member').catch(() => '');
    const members = (await runtime.list()).map(({ name }) => name);
    if (members.includes('member')) await refused('member', /pod pod/);
  });
});
