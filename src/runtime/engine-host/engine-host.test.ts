import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import { createFront } from '../front/index.ts';
import type { Workload } from '../port.ts';
import { readFrames } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { cannotOverlap, cloneContainer } from './clone.ts';
import { candidateSockets } from './connect.ts';
import { healthLabel, Label, listenLabel } from './labels.ts';
import { manifestDigest } from './list.ts';
import { isAlive, ownerOfThisProcess } from './owner.ts';
import { nextName, readReplicas } from './replica.ts';
import { createEngineRuntime, type EngineRuntime } from './runtime.ts';

const OLD: Digest = `sha256:${'a'.repeat(64)}`;
const NEW: Digest = `sha256:${'b'.repeat(64)}`;
let folder: string;
const closing: (() => Promise<void>)[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heraklit-engine-host-'));
});
after(async () => {
  for (const close of closing) await close();
  await rm(folder, { recursive: true });
});

const container = (
  name: string,
  change: Partial<ContainerInspect> & { labels?: Record<string, string> } = {},
): ContainerInspect => ({
  Id: `${name}-id`,
  Name: `/${name}`,
  Image: 'sha256:image',
  State: { Status: 'running', Running: true, StartedAt: '2020-01-01T00:00:00Z' },
  Config: { Labels: change.labels ?? {} },
  HostConfig: {},
  ...change,
});

/** An engine that answers what it is told, path by path. */
async function engine(answers: Record<string, unknown>): Promise<EngineRuntime> {
  const socket = join(folder, `${closing.length}.sock`);
  const listener: RequestListener = (incoming: IncomingMessage, response) => {
    const path = (incoming.url ?? '').replace(/^\/v1\.41/, '').split('?')[0] as string;
    const key = `${incoming.method} ${path}`;
    const answer = { 'GET /_ping': 'OK', 'GET /version': { Version: '99', ApiVersion: '1.41' }, ...answers }[key];
    const [status, body] =
      Array.isArray(answer) && typeof answer[0] === 'number' ? answer : [answer === undefined ? 404 : 200, answer];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: `no ${key}` }));
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const runtime = createEngineRuntime({ socket });
  closing.push(async () => {
    await runtime.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return runtime;
}

const workload = (name: string): Workload => {
  const image = `h:1/web@${OLD}`;
  return {
    id: `docker:${name}`,
    kind: 'container',
    name,
    namespace: '',
    image,
    digest: OLD,
    containers: [{ name, image, digest: OLD }],
    replicas: 1,
  };
};
const request = (name: string) => ({ workload: workload(name), image: `h:1/web@${NEW}`, digest: NEW, deadline: 100 });
const coded =
  (code: string) =>
  (error: unknown): boolean =>
    isHeraklitError(error, code);
/** One container `web` as an engine shows it. */
const shown = (inspect: ContainerInspect): Record<string, unknown> => ({
  'GET /containers/json': [{ Id: inspect.Id, Names: [inspect.Name], State: 'running', Labels: inspect.Config.Labels }],
  [`GET /containers/${inspect.Id}/json`]: inspect,
});

test('an engine that is not there, or is another one, is told in one line', async () => {
  const absent = createEngineRuntime({ socket: join(folder, 'absent.sock') });
  assert.match((await absent.unavailable()) ?? '', /^[^\n]+$/);
  await assert.rejects(absent.list(), coded('ENGINE_HOST_UNAVAILABLE'));
  const missing = createEngineRuntime({ engineArguments: [], environment: { PATH: folder } });
  assert.match((await missing.unavailable()) ?? '', /cannot start podman's API/);
  const socket = join(folder, 'docker.sock');
  const docker = createServer((incoming, response) =>
    response.end(incoming.url === '/_ping' ? 'OK' : '{"ApiVersion":"1.44"}'),
  );
  await new Promise<void>((resolve) => docker.listen(socket, resolve));
  assert.match((await createEngineRuntime({ socket, command: 'podman' }).unavailable()) ?? '', /is docker/);
  docker.closeAllConnections();
  docker.close();
});

test('refusals keep the words of the engine', async () => {
  const runtime = await engine({ 'GET /containers/json': [500, { message: 'the database is locked' }] });
  assert.equal(await runtime.unavailable(), undefined);
  await assert.rejects(
    runtime.list(),
    (error) => isHeraklitError(error, 'ENGINE_HOST_REFUSED') && /database is locked/.test(error.message),
  );
});

test('an unknown workload and an image that cannot be pulled replace nothing', async () => {
  const runtime = await engine({ ...shown(container('web')), 'POST /images/create': { error: 'manifest unknown' } });
  await assert.rejects(runtime.rollout(request('other')), coded('ENGINE_HOST_WORKLOAD_MISSING'));
  await assert.rejects(
    runtime.rollout(request('web')),
    (error) => isHeraklitError(error, 'ENGINE_HOST_PULL_FAILED') && /manifest unknown/.test(error.message),
  );
});

test('a front that another process owns refuses the rollout', async () => {
  const front = await createFront({ listen: { host: '127.0.0.1', port: 0 } });
  closing.push(async () => await front.close(0));
  const labels = { [Label.workload]: 'web', [Label.listen]: `127.0.0.1:${front.address.port}` };
  const runtime = await engine(shown(container('web-1', { labels })));
  await assert.rejects(runtime.rollout(request('web')), coded('ENGINE_HOST_FRONT_ELSEWHERE'));
});

test('a candidate that fails where nothing before it is known cannot be taken back, and says so', async () => {
  const done = container('web-1', { labels: { [Label.workload]: 'web', [Label.digest]: NEW } });
  const old = container('web-2', { labels: { [Label.workload]: 'web', [Label.digest]: OLD } });
  const answers = { ...shown(done), ...shown(old) };
  const list = [done, old].map(({ Id, Name, Config }) => ({
    Id,
    Names: [Name],
    State: 'running',
    Labels: Config.Labels,
  }));
  const started = {
    'POST /containers/create': { Id: 'next' },
    'POST /containers/next/start': [500, { message: 'exec format error' }],
    'DELETE /containers/next': {},
  };
  const runtime = await engine({
    ...answers,
    'GET /containers/json': list,
    [`GET /images/h:1/web@${NEW}/json`]: { Id: 'sha256:new' },
    [`GET /images/h%3A1/web%40${NEW.replace(':', '%3A')}/json`]: { Id: 'sha256:new' },
    ...started,
  });
  await assert.rejects(
    runtime.rollout(request('web')),
    (error) =>
      isHeraklitError(error, 'ENGINE_HOST_ROLLBACK_INCOMPLETE') && /what ran before is not known/.test(error.message),
  );
});

test('a clone keeps what was asked for and drops what came from the old image', () => {
  const old = container('web', {
    Id: 'c0ffee0123456789',
    Config: {
      Hostname: 'c0ffee012345',
      User: '33',
      Env: ['PATH=/old', 'VERSION=1', 'TOKEN=a=b'],
      Cmd: ['serve'],
      Entrypoint: ['/init'],
      WorkingDir: '/srv',
      Labels: { maintainer: 'image', team: 'web' },
      Healthcheck: { Test: ['CMD', 'true'] },
    },
    HostConfig: {
      NetworkMode: 'shop',
      Binds: ['/data:/data:ro'],
      RestartPolicy: { Name: 'always' },
      Memory: 1024,
      Ulimits: [{ Name: 'RLIMIT_NOFILE', Soft: 1, Hard: 2 }],
      PidMode: 'private',
      MaskedPaths: ['/proc/kcore'],
    },
    Mounts: [
      { Type: 'bind', Destination: '/data' },
      { Type: 'volume', Name: 'anonymous', Destination: '/var/lib/app', RW: true },
    ],
    NetworkSettings: { Networks: { shop: { Aliases: ['web', 'c0ffee012345'] }, back: { Aliases: null } } },
  });
  const image = {
    Id: 'x',
    Config: {
      Env: ['PATH=/old', 'VERSION=1'],
      Cmd: ['serve'],
      Entrypoint: ['/init'],
      WorkingDir: '/srv',
      User: '',
      Labels: { maintainer: 'image' },
    },
  };
  const { body, further } = cloneContainer(old, image, {
    engine: 'docker',
    image: 'new',
    labels: { [Label.digest]: NEW },
  });
  assert.deepEqual(body, {
    Image: 'new',
    User: '33',
    Env: ['TOKEN=a=b'],
    Healthcheck: { Test: ['CMD', 'true'] },
    Labels: { team: 'web', [Label.digest]: NEW },
    HostConfig: {
      Binds: ['/data:/data:ro', 'anonymous:/var/lib/app'],
      Memory: 1024,
      NetworkMode: 'shop',
      RestartPolicy: { Name: 'always' },
      Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
    },
    NetworkingConfig: { EndpointsConfig: { shop: { Aliases: ['web'] } } },
  });
  assert.deepEqual(further, [['back', {}]]);
});

test('what cannot run twice at once is told', () => {
  const on = (HostConfig: ContainerInspect['HostConfig'], labels = {}) =>
    cannotOverlap(container('x', { HostConfig, labels, Config: { Labels: labels } }));
  assert.equal(on({ NetworkMode: 'bridge' }), undefined);
  assert.match(on({ NetworkMode: 'host' }) ?? '', /fixed port/);
  assert.equal(on({ NetworkMode: 'host' }, { [Label.portVariable]: 'PORT', [Label.port]: '80' }), undefined);
  assert.match(on({ PortBindings: { '80/tcp': [{ HostPort: '80' }] } }) ?? '', /fixed host port/);
  assert.equal(on({ PortBindings: { '80/tcp': [{ HostPort: '' }] } }), undefined);
  assert.match(on({}, { [Label.replace]: 'recreate' }) ?? '', /labelled/);
});

test('replicas are read back from names and labels, wherever a rollout was killed', () => {
  const old = container('web-1', { labels: { [Label.digest]: OLD } });
  const next = container(nextName('web-1', NEW, ''), { labels: { [Label.digest]: NEW } });
  const given = container(nextName('web-1', `sha256:${'c'.repeat(64)}`, ''), {
    labels: { [Label.digest]: 'sha256:c' },
  });
  const [replica] = readReplicas([next, given, old], NEW);
  assert.equal(replica?.name, 'web-1');
  assert.deepEqual([replica?.current, replica?.next, replica?.leftover], [old, next, [given]]);
  const [renaming] = readReplicas([next], NEW);
  assert.deepEqual([renaming?.current, renaming?.next, renaming?.name], [next, undefined, 'web-1']);
});

test('foreign labels, digests and frames do no harm', () => {
  assert.equal(healthLabel({ [Label.health]: '{"kind":"exec"}' }), undefined);
  assert.equal(healthLabel({ [Label.health]: '{' }), undefined);
  assert.deepEqual(listenLabel({ [Label.listen]: '[::1]:80' }), { host: '::1', port: 80 });
  assert.equal(listenLabel({ [Label.listen]: 'everywhere' }), undefined);
  assert.equal(manifestDigest({ Id: 'x', RepoDigests: [`h/a@${OLD}`, `h/b@${NEW}`] }, 'h/b:1'), NEW);
  assert.equal(manifestDigest({ Id: 'x', RepoDigests: [`h/a@${OLD}`, `h/b@${NEW}`] }, 'h/c:1'), undefined);
  assert.equal(readFrames(Buffer.from([1, 0, 0, 0, 0, 0, 0, 2, 104, 105, 2, 0, 0, 0, 255, 255, 255, 255, 33])), 'hi!');
  assert.equal(readFrames(Buffer.from('plain')), 'plain');
});

test('owners are known by pid and start time', async () => {
  assert.equal(await isAlive(await ownerOfThisProcess()), true);
  assert.equal(await isAlive(`${process.pid}:1`), false);
  assert.equal(await isAlive('nonsense'), false);
});

test('sockets are looked for where the environment and the packages put them', () => {
  const environment = { DOCKER_HOST: 'unix:///a.sock', XDG_RUNTIME_DIR: '/run/user/1' };
  assert.deepEqual(candidateSockets({ environment }).slice(0, 3), [
    '/a.sock',
    '/run/user/1/podman/podman.sock',
    '/run/podman/podman.sock',
  ]);
  assert.deepEqual(candidateSockets({ command: 'docker', environment: { DOCKER_HOST: 'tcp://h:2375' } }), [
    '/var/run/docker.sock',
  ]);
});
