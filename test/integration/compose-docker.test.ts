/** A project of the real docker compose, on a Docker of its own: rolled out by heraklit, then taken for its own by compose. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isDigest } from '../../src/oci/index.ts';
import { createEngineRuntime } from '../../src/runtime/index.ts';
import { newerTool, newerToolsPath } from '../support/newer-tools.ts';
import { startRegistry } from './registry-process.ts';

const run = promisify(execFile);
const TOOLS = ['docker', 'dockerd', 'containerd', 'compose', 'busybox'] as const;
const HTTPD = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; /bin/busybox httpd -f -p 8080 -h /www & wait'];

interface Docker {
  readonly folder: string;
  readonly socket: string;
  /** Standard output of the client, and of compose by `compose`. */
  docker(...words: readonly string[]): Promise<string>;
}

/** No bridge, no firewall rules, nothing of the machine's. */
async function startDocker(context: TestContext): Promise<Docker> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-compose-'));
  const plugins = join(folder, 'config/cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(newerTool('compose') as string, join(plugins, 'docker-compose'));
  await writeFile(join(folder, 'daemon.json'), '{}');
  const socket = join(folder, 'docker.sock');
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--storage-driver', 'vfs'];
  const own = [
    '--config-file',
    join(folder, 'daemon.json'),
    '--pidfile',
    join(folder, 'pid'),
    '-H',
    `unix://${socket}`,
  ];
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  const daemon = spawn(newerTool('dockerd') as string, [...own, ...places, ...network], {
    env: { ...process.env, PATH: `${newerToolsPath}:${process.env.PATH}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  daemon.stderr.on('data', (part) => {
    log = `${log}${part}`.slice(-4_000);
  });
  const ended = once(daemon, 'close');
  const docker: Docker['docker'] = async (...words) => {
    const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: join(folder, 'config') };
    return (await run(newerTool('docker') as string, words, { env, cwd: folder })).stdout;
  };
  context.after(async () => {
    await docker('compose', 'down', '--volumes', '--timeout', '0').catch(() => '');
    daemon.kill('SIGTERM');
    await ended;
    await run('umount', [join(folder, 'exec/netns/default')]).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });
  const until = Date.now() + 60_000;
  while ((await docker('version').catch(() => undefined)) === undefined) {
    if (daemon.exitCode !== null || Date.now() > until) throw new Error(`dockerd does not answer: ${log}`);
    await sleep(100);
  }
  return { folder, socket, docker };
}

test('docker compose takes what heraklit rolled out for its own', { timeout: 300_000 }, async (context) => {
  const missing = TOOLS.filter((tool) => newerTool(tool) === undefined);
  if (missing.length > 0) return context.skip(`${missing.join(', ')} (trixie) not unpacked`);
  const registry = await startRegistry();
  context.after(() => registry.close());
  const { folder, socket, docker } = await startDocker(context);
  const repository = `${registry.host}/web`;
  const push = async (version: string, command = HTTPD) => {
    const root = join(folder, 'root');
    for (const name of ['bin', 'www']) await mkdir(join(root, name), { recursive: true });
    await copyFile(newerTool('busybox') as string, join(root, 'bin/busybox'));
    await chmod(join(root, 'bin/busybox'), 0o755);
    await writeFile(join(root, 'www/index.html'), version);
    await run('tar', ['-C', root, '-cf', join(folder, 'root.tar'), '.']);
    await docker(
      'import',
      '--change',
      `CMD ${JSON.stringify(command)}`,
      join(folder, 'root.tar'),
      `${repository}:${version}`,
    );
    await docker('push', '--quiet', `${repository}:${version}`);
    const found = await fetch(`${registry.url}/v2/web/manifests/${version}`, {
      ...{ method: 'HEAD', headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' } },
    });
    const digest = found.headers.get('docker-content-digest') ?? '';
    assert.ok(isDigest(digest));
    return { image: `${repository}@${digest}`, digest };
  };
  await push('one');
  await docker('tag', `${repository}:one`, `${repository}:production`);
  await docker('tag', `${repository}:one`, 'backend:1');
  const [two, bad] = [await push('two'), await push('bad', ['/bin/busybox', 'false'])];
  for (const name of ['one', 'two', 'bad']) await docker('rmi', `${repository}:${name}`);
  const get = ['/bin/busybox', 'wget', '-q', '-O', '-'];
  const healthy = { test: ['CMD', ...get, 'http://127.0.0.1:8080/index.html'], interval: '200ms', retries: 50 };
  const web = {
    ...{ image: `${repository}:production`, scale: 2, healthcheck: healthy, networks: ['front', 'back'] },
    ...{ depends_on: { db: { condition: 'service_healthy' } }, volumes: ['shared:/shared', '/anonymous'] },
    ...{ environment: { TOKEN: 'a=b' }, stop_grace_period: '1s' },
  };
  const db = {
    image: 'backend:1',
    healthcheck: healthy,
    networks: { back: { aliases: ['database'] } },
    stop_grace_period: '1s',
  };
  const write = async (more: object): Promise<void> => {
    const file = {
      name: 'shop',
      services: { web: { ...web, ...more }, db },
      volumes: { shared: {} },
      networks: { front: {}, back: {} },
    };
    await writeFile(join(folder, 'compose.yaml'), JSON.stringify(file));
  };
  await write({});
  const up = (...words: string[]) => docker('compose', 'up', '--detach', '--wait', '--quiet-pull', ...words);
  await up();
  const exec = (number: number, ...words: string[]) => docker('exec', `shop-web-${number}`, ...words);
  const versions = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, at) => exec(at + 1, '/bin/busybox', 'cat', '/www/index.html')));
  const ids = () => docker('compose', 'ps', '--quiet', '--no-trunc');
  await exec(1, '/bin/busybox', 'touch', '/anonymous/kept', '/shared/kept');

  const runtime = createEngineRuntime({ socket, grace: 1_000 });
  context.after(() => runtime.close());
  const rollout = async ({ image, digest }: typeof two) => {
    const workload = (await runtime.list()).find(({ name }) => name === 'shop/web');
    assert.ok(workload);
    return await runtime.rollout({ workload, image, digest, deadline: 60_000 });
  };
  const outcome = await rollout(two);
  assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
  assert.deepEqual(await versions(2), ['two', 'two']);
  await exec(1, '/bin/busybox', 'ls', '/anonymous/kept', '/shared/kept');
  assert.equal(await exec(2, ...get, 'http://database:8080/index.html'), 'one');
  assert.equal(await docker('exec', 'shop-db-1', ...get, 'http://web:8080/index.html'), 'two');

  const rolled = await ids();
  await up();
  assert.equal(await ids(), rolled, 'compose makes none of them anew');
  await up('--scale', 'web=3');
  assert.deepEqual(await versions(3), ['two', 'two', 'two'], 'a further copy runs what the others run');
  const failed = await rollout(bad);
  assert.ok(failed.kind === 'rolledback' && failed.blame === 'image', JSON.stringify(failed));
  const back = await ids();
  await up('--scale', 'web=3');
  assert.equal(await ids(), back, 'nor after a rollback');
  await write({ environment: { TOKEN: 'changed' } });
  await up();
  assert.deepEqual(await versions(2), ['two', 'two'], 'an edited file does not bring back the old image');
  assert.equal((await rollout(two)).kind, 'unchanged');
});
