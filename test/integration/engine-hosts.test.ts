/** Engines of other hosts: a real podman behind a real sshd and behind TLS, a real dockerd behind TLS; and what can be wrong. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createEngineRuntime,
  type EngineRuntime,
  type EngineRuntimeOptions,
  type RolloutControl,
  type RolloutOutcome,
} from '../../src/runtime/index.ts';
import type { ImageUnderTest } from '../contract/workload-runtime.ts';
import { certificateAuthority } from '../support/certificates.ts';
import { newerTool, newerToolsPath } from '../support/newer-tools.ts';
import { type SshServer, startSshServer } from '../support/ssh-server.ts';
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';

const HANGING = ['/bin/busybox', 'sh', '-c', 'trap "exit 0" TERM; while :; do /bin/busybox sleep 1 & wait $!; done'];
const coded = (code: string) => (error: unknown) => isHeraklitError(error, code);

describe('engines of other hosts', () => {
  let scratch: PodmanScratch;
  let ssh: SshServer;
  let service: ChildProcess | undefined;
  let socket = '';
  let skip: string | undefined;
  let images: Readonly<Record<'one' | 'two' | 'hanging', ImageUnderTest>>;
  const open: { close(): Promise<void> }[] = [];
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) {
      skip = made.skip;
      return;
    }
    scratch = made;
    // What the account's own podman would be configured to: the scratch storage.
    const [storage, conf] = [join(scratch.directory, 'storage.conf'), join(scratch.directory, 'containers.conf')];
    const roots = `graphroot = "${scratch.directory}/root"\nrunroot = "${scratch.directory}/runroot"\n`;
    await writeFile(storage, `[storage]\ndriver = "overlay"\n${roots}`);
    await writeFile(conf, '[engine]\nruntime = "runc"\n');
    const set = `SetEnv CONTAINERS_STORAGE_CONF=${storage} CONTAINERS_CONF=${conf}`;
    const server = await startSshServer(join(scratch.directory, 'ssh'), [set]);
    if (server === undefined) {
      skip = 'sshd (openssh-server) not installed';
      await scratch.close();
      return;
    }
    ssh = server;
    images = {
      one: await scratch.image('one', 'one', SERVE),
      two: await scratch.image('two', 'two', SERVE),
      hanging: await scratch.image('hanging', 'hanging', HANGING),
    };
    socket = join(scratch.directory, 'podman.sock');
    service = spawn('podman', [...scratch.arguments, 'system', 'service', '--time=0', `unix://${socket}`], {
      stdio: 'ignore',
    });
    const until = Date.now() + 30_000;
    while ((await stat(socket).catch(() => undefined)) === undefined && Date.now() < until) await sleep(50);
  });
  after(async () => {
    for (const one of open) await one.close();
    await ssh?.stop();
    if (service !== undefined) {
      const ended = once(service, 'exit');
      service.kill('SIGTERM');
      await ended;
    }
    await scratch?.close();
  });

  const integration = (name: string, body: (context: TestContext) => Promise<void>): void => {
    test(name, { timeout: 240_000 }, async (context) => {
      if (skip === undefined) await body(context);
      else context.skip(skip);
    });
  };
  const opened = (options: EngineRuntimeOptions): EngineRuntime => {
    const runtime = createEngineRuntime({ grace: 1000, ...options });
    open.push(runtime);
    return runtime;
  };
  const overSsh = (more: Partial<EngineRuntimeOptions> = {}, path = socket): EngineRuntimeOptions => ({
    host: 'far',
    endpoint: `ssh://${ssh.user}@127.0.0.1:${ssh.port}${path}`,
    trust: { sshKeyFile: ssh.key, knownHostsFile: ssh.knownHosts },
    ...more,
  });
  const launch = async (runtime: EngineRuntime, name: string, replicas = 1): Promise<void> => {
    const health = { kind: 'http', path: '/index.html' } as const;
    const group = {
      name,
      image: images.one.image,
      replicas,
      port: 8080,
      portVariable: 'PORT',
      network: 'host',
      health,
    };
    await runtime.launch(group);
  };
  const rollout = async (
    runtime: EngineRuntime,
    name: string,
    to: ImageUnderTest,
    deadline: number,
    control?: RolloutControl,
  ): Promise<RolloutOutcome> => {
    const workload = (await runtime.list()).find((one) => one.name === name);
    assert.ok(workload);
    return await runtime.rollout({ workload, ...to, deadline, ...(control === undefined ? {} : { control }) });
  };
  const revoking = (revoked: RolloutControl['revoked']): RolloutControl => ({
    stepReached: async () => ({ kind: 'go' }),
    revoked,
  });

  integration('over ssh: workloads are listed, rolled out, checked through the tunnel and rolled back', async () => {
    const runtime = opened(overSsh());
    assert.equal(await runtime.unavailable(), undefined);
    await launch(runtime, 'web', 2);
    const [workload] = await runtime.list();
    assert.deepEqual([workload?.id, workload?.namespace, workload?.replicas], ['podman@far:web', 'far', 2]);
    assert.equal((await rollout(runtime, 'web', images.two, 20_000)).kind, 'rolledout');
    const back = await rollout(runtime, 'web', images.hanging, 1500);
    assert.ok(back.kind === 'rolledback' && back.blame === 'image', JSON.stringify(back));
    await runtime.dismantle('web');
    await runtime.close();
    await assert.rejects(
      runtime.launch({ name: 'x', image: 'x', replicas: 1, listen: { host: '127.0.0.1', port: 0 } }),
      coded('ENGINE_HOST_FRONT_ELSEWHERE'),
    );
  });

  integration('over ssh without a path: the socket is looked for, or podman is given a service', async () => {
    const runtime = opened(overSsh({ command: 'podman' }, ''));
    const names = async () => (await runtime.list()).map(({ id }) => id);
    if ((await stat('/run/podman/podman.sock').catch(() => undefined)) === undefined) {
      const beside = opened(overSsh());
      await launch(beside, 'found');
      assert.deepEqual(await names(), ['podman@far:found']);
      await beside.dismantle('found');
    } else assert.ok(Array.isArray(await names()));
  });

  integration('over ssh: an unknown or changed host key, a strange key, nobody there: each says which', async () => {
    const empty = join(scratch.directory, 'empty');
    await writeFile(empty, '');
    const trust = { sshKeyFile: ssh.key, knownHostsFile: ssh.knownHosts };
    for (const [more, code, words] of [
      [{ trust: { ...trust, knownHostsFile: ssh.wrongHosts } }, 'ENGINE_HOST_UNTRUSTED', /not who it should be/],
      [{ trust: { ...trust, knownHostsFile: empty } }, 'ENGINE_HOST_UNTRUSTED', /host key/i],
      [{ trust: { ...trust, sshKeyFile: ssh.strangeKey } }, 'ENGINE_HOST_LOGIN_FAILED', /Permission denied/],
      [{ endpoint: `ssh://${ssh.user}@127.0.0.1:1${socket}` }, 'ENGINE_HOST_UNAVAILABLE', /Connection refused/],
      [{ endpoint: `${overSsh().endpoint}.none` }, 'ENGINE_HOST_UNAVAILABLE', /does not answer/],
      [{ command: 'docker' }, 'ENGINE_HOST_UNAVAILABLE', /is podman, not docker/],
    ] as const) {
      const runtime = opened(overSsh(more as Partial<EngineRuntimeOptions>));
      await assert.rejects(runtime.list(), (error) => isHeraklitError(error, code) && words.test(error.message), code);
      assert.match((await runtime.unavailable()) ?? '', /^[^\n]+$/);
    }
  });

  integration(
    'over ssh: a host that goes away mid-rollout is waited for; for long, and the next call goes on',
    async () => {
      const runtime = opened(overSsh());
      await launch(runtime, 'web');
      let back: Promise<void> | undefined;
      const short = await rollout(
        runtime,
        'web',
        images.two,
        60_000,
        revoking(async () => {
          if (back === undefined) {
            await ssh.stop();
            back = sleep(500).then(() => ssh.start());
          }
          return undefined;
        }),
      );
      await back;
      assert.equal(short.kind, 'rolledout', JSON.stringify(short));
      let stopped = false;
      const long = rollout(
        runtime,
        'web',
        images.one,
        1500,
        revoking(async () => {
          if (!stopped) await ssh.stop();
          stopped = true;
          return undefined;
        }),
      );
      await assert.rejects(long, (error) => isHeraklitError(error, 'ENGINE_HOST_UNAVAILABLE') && error.retryable);
      await ssh.start();
      assert.equal((await rollout(runtime, 'web', images.one, 20_000)).kind, 'rolledout');
      const names = (await scratch.podman('ps', '--all', '--format', '{{.Names}}')).trim();
      assert.equal(names, 'web-1');
      await runtime.dismantle('web');
    },
  );

  integration('over TLS, slowly: a rollout; and every certificate that is wrong is told as what it is', async () => {
    const folder = join(scratch.directory, 'tls');
    const other = join(scratch.directory, 'tls-other');
    await mkdir(folder);
    await mkdir(other);
    const authority = await certificateAuthority(folder);
    const strange = await certificateAuthority(other);
    const server = await authority.issue('server');
    const past = ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z'];
    const expired = await authority.issue('expired', supportsDates() ? past : ['-days', '-1']);
    const misnamed = await authority.issue('misnamed', undefined, 'DNS:elsewhere.example');
    const client = await authority.issue('client');
    const proxies: TlsProxy[] = [];
    const proxy = async (...given: Parameters<typeof startTlsProxy>): Promise<string> => {
      const started = await startTlsProxy(...given);
      proxies.push(started);
      open.push(started);
      return `tcp://127.0.0.1:${started.port}`;
    };
    const { ca } = authority;
    const good = await proxy(socket, { ca, ...server }, 30);
    const tls = { caFile: ca, certFile: client.cert, keyFile: client.key };
    const runtime = opened({ host: 'slow', endpoint: good, trust: { tls } });
    await launch(runtime, 'web');
    assert.equal((await rollout(runtime, 'web', images.two, 20_000)).kind, 'rolledout');
    assert.equal((await runtime.list())[0]?.id, 'podman@slow:web');
    await runtime.dismantle('web');
    for (const [endpoint, trust, code, words] of [
      [await proxy(socket, { ca, ...expired }), { tls }, 'ENGINE_HOST_UNTRUSTED', /CERT_HAS_EXPIRED/],
      [await proxy(socket, { ca, ...misnamed }), { tls }, 'ENGINE_HOST_UNTRUSTED', /ALTNAME_INVALID/],
      [good, { tls: { ...tls, caFile: strange.ca } }, 'ENGINE_HOST_UNTRUSTED', /certificate of 127/],
      [good, {}, 'ENGINE_HOST_UNTRUSTED', /nothing is signed/],
      [good, { tls: { caFile: join(folder, 'none.pem') } }, 'ENGINE_HOST_ENDPOINT_INVALID', /cannot be read/],
    ] as const) {
      const wrong = opened({ host: 'wrong', endpoint, trust });
      await assert.rejects(
        wrong.list(),
        (error) => isHeraklitError(error, code) && words.test(error.message),
        `${code} ${words}`,
      );
    }
    const told = opened({
      host: 'told',
      endpoint: good,
      trust: { tls: { ...tls, caFile: strange.ca }, insecure: true },
    });
    assert.deepEqual(await told.list(), []);
  });

  integration(
    'a podman connection and a Docker context, as those tools store them, lead to their engines',
    async (context) => {
      const home = join(scratch.directory, 'home');
      await mkdir(home, { recursive: true });
      const environment = { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config') };
      const uri = `ssh://${ssh.user}@127.0.0.1:${ssh.port}${socket}`;
      const added = spawnSync('podman', ['system', 'connection', 'add', '--identity', ssh.key, 'far', uri], {
        env: environment,
      });
      assert.equal(added.status, 0, String(added.stderr));
      const trust = { knownHostsFile: ssh.knownHosts };
      const podman = opened({ host: 'far', podmanConnection: 'far', trust, environment });
      assert.deepEqual(await podman.list(), []);
      const unknown = opened({ host: 'far', podmanConnection: 'near', environment });
      await assert.rejects(unknown.list(), coded('ENGINE_HOST_ENDPOINT_INVALID'));
      const docker = newerTool('docker');
      if (docker === undefined || newerTool('dockerd') === undefined || newerTool('containerd') === undefined) {
        context.skip('docker, dockerd (trixie) not installed');
        return;
      }
      const strange = join(scratch.directory, 'strange');
      await mkdir(strange);
      const server = await (await certificateAuthority(strange)).issue('stranger');
      const daemon = await startTlsDocker(join(scratch.directory, 'docker'), docker);
      try {
        const tar = join(scratch.directory, 'one.tar');
        const config = join(home, '.docker');
        const files = `ca=${daemon.ca},cert=${daemon.cert},key=${daemon.key}`;
        const created = ['--config', config, 'context', 'create', 'far', '--docker', `host=${daemon.host},${files}`];
        assert.equal(spawnSync(docker, created).status, 0);
        await scratch.podman('save', '--quiet', '--output', tar, 'localhost/one:1');
        const cli = (...argv: readonly string[]) => {
          const ran = spawnSync(docker, ['--config', config, '--context', 'far', ...argv], { encoding: 'utf8' });
          assert.equal(ran.status, 0, ran.stderr);
          return ran.stdout;
        };
        cli('load', '--quiet', '--input', tar);
        const runtime = opened({ host: 'whale', dockerContext: 'far', environment });
        const group = {
          name: 'web',
          image: 'localhost/one:1',
          replicas: 1,
          port: 8080,
          portVariable: 'PORT',
          network: 'host',
        };
        await runtime.launch({ ...group, health: { kind: 'http', path: '/index.html' } });
        assert.deepEqual(
          (await runtime.list()).map(({ id }) => id),
          ['docker@whale:web'],
        );
        await runtime.dismantle('web');
        const none = opened({ host: 'whale', dockerContext: 'none', environment });
        await assert.rejects(none.list(), coded('ENGINE_HOST_ENDPOINT_INVALID'));
        const named = { DOCKER_HOST: daemon.host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: daemon.folder };
        for (const tls of [{}, { certFile: server.cert, keyFile: server.key }]) {
          const stranger = opened({ endpoint: daemon.host, trust: { tls: { caFile: daemon.ca, ...tls } } });
          await assert.rejects(stranger.list(), coded('ENGINE_HOST_LOGIN_FAILED'));
        }
        const fromEnvironment = opened({ environment: { ...environment, ...named } });
        assert.deepEqual(await fromEnvironment.list(), []);
      } finally {
        await daemon.stop();
      }
    },
  );
});

/** openssl 3.4 and newer take dates; older ones take a negative number of days. */
function supportsDates(): boolean {
  return /not_before/.test(spawnSync('openssl', ['x509', '-help'], { encoding: 'utf8' }).stderr);
}

/** A docker daemon of its own that asks for certificates: no bridge, no firewall rules, nothing of the machine's. */
async function startTlsDocker(folder: string, docker: string) {
  await mkdir(folder);
  const authority = await certificateAuthority(folder);
  const server = await authority.issue('server');
  // Under these names in one folder, as DOCKER_CERT_PATH has them.
  const client = await authority.issue('cert');
  await copyFile(client.key, join(folder, 'key.pem'));
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const host = `tcp://127.0.0.1:${port}`;
  await writeFile(join(folder, 'daemon.json'), '{}');
  const tls = ['--tlsverify', '--tlscacert', authority.ca, '--tlscert', server.cert, '--tlskey', server.key];
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--storage-driver', 'vfs'];
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  const files = ['--config-file', join(folder, 'daemon.json'), '--pidfile', join(folder, 'pid')];
  const daemon = spawn(newerTool('dockerd') as string, [...files, '-H', host, ...tls, ...places, ...network], {
    env: { ...process.env, PATH: `${newerToolsPath}:${process.env.PATH}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  daemon.stderr.on('data', (part) => {
    log = `${log}${part}`.slice(-4000);
  });
  const ended = once(daemon, 'close');
  const own = ['--tlsverify', '--tlscacert', authority.ca, '--tlscert', client.cert, '--tlskey', client.key];
  const until = Date.now() + 60_000;
  while (spawnSync(docker, ['-H', host, ...own, 'version']).status !== 0) {
    if (daemon.exitCode !== null || Date.now() > until) throw new Error(`dockerd does not answer: ${log}`);
    await sleep(200);
  }
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await ended;
    // It leaves the network namespace of the host mounted there.
    spawnSync('umount', [join(folder, 'exec/netns/default')]);
  };
  return { host, folder, ca: authority.ca, cert: client.cert, key: client.key, stop };
}
