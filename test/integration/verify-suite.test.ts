/** Tests of images on a real podman: one storage for all of them, and the failing ones side by side. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestStep, TestSuite } from '../../src/recipe/index.ts';
import { createEngineRuntime, EngineLabel, type EngineRuntime, ownerLabels } from '../../src/runtime/index.ts';
import { engineRunner } from '../../src/verify/runner/engine.ts';
import { planOf } from '../../src/verify/suite/plan.ts';
import { runSuite, type SuiteResult } from '../../src/verify/suite/run-suite.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';

const shell = (script: string): readonly string[] => ['/bin/busybox', 'sh', '-c', script];
const SLEEP = shell('trap "exit 0" TERM; busybox sleep 600 & wait');

describe('tests of an image under podman', { timeout: 300_000 }, () => {
  let scratch: PodmanScratch;
  let runtime: EngineRuntime;
  let image = '';
  let skip: string | undefined;
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) {
      skip = made.skip;
      return;
    }
    scratch = made;
    runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments });
    const env = ['ENV PATH=/bin', 'ENV PORT=8080', 'EXPOSE 8080'];
    image = (await scratch.image('tested', '{"state":{"ready":true,"items":["a/b"]}}', SERVE, env)).image;
  });
  after(async () => {
    await runtime?.close();
    await scratch?.close();
  });

  const real = (name: string, body: () => Promise<void>): void => {
    test(name, { timeout: 120_000 }, async (context) => (skip === undefined ? await body() : context.skip(skip)));
  };
  const inputs = (candidate: string) => ({
    candidate,
    exposed: [8080],
    resolve: (one: string) => (one === 'itself' ? image : one),
    hostFolder: (path: string) => path,
  });
  const verify = async (suite: TestSuite, on = runtime): Promise<SuiteResult> =>
    await runSuite(planOf(suite, inputs(image)), engineRunner(on), { folder: scratch.directory, signal: undefined });
  const failing = ({ steps }: SuiteResult): Record<string, string> =>
    Object.fromEntries(steps.filter(({ passed }) => !passed).map(({ name, detail }) => [name, detail]));
  /** Owners of what this test starts; networks are the machine's, whichever storage podman is given. */
  const owners = new Set([process.pid]);
  const leftovers = async (): Promise<string> => {
    const [containers, volumes, networks] = await Promise.all([
      scratch.podman('ps', '--all', '--format', '{{.Names}}'),
      scratch.podman('volume', 'ls', '--format', '{{.Name}}'),
      scratch.podman('network', 'ls', '--format', '{{.Name}} {{.Labels}}'),
    ]);
    const own = networks.split('\n').filter((line) => owners.has(Number(/owner=(\d+):/.exec(line)?.[1])));
    return [...containers.split('\n'), ...volumes.split('\n'), ...own.map((line) => line.split(' ')[0] ?? '')]
      .filter((name) => name.startsWith('heraklit-test-'))
      .sort()
      .join(' ');
  };

  real('services come first, then every kind of step, in a network without a way out', async () => {
    const asks = shell(
      'busybox wget -qO- http://candidate:8080/index.html | busybox grep -q ready && ! busybox ip route | busybox grep default',
    );
    const steps: readonly TestStep[] = [
      {
        http: {
          path: '/index.html',
          status: 200,
          contains: 'ready',
          json: { '/state/ready': true, '/state/items/0': 'a/b' },
        },
      },
      { http: { path: '/missing', status: [403, 404] } },
      { http: { path: '/index.html', service: 'database', port: 9000 } },
      { tcp: { port: 8080, send: 'HEAD / HTTP/1.0\r\n\r\n', expect: '^HTTP/1\\.[01] \\d' } },
      { exec: { command: shell('echo "$GREETING"; busybox cat /state/told'), stdout: { matches: '^hello$' } } },
      { exec: { command: ['/bin/busybox', 'id', '-u'], user: '65534', stdout: { contains: '65534' } } },
      { log: { matches: 'found the database' } },
      { log: { absent: 'panic' } },
      { test: { image: 'itself', entrypoint: asks } },
      { test: { entrypoint: shell('exit 4'), status: 4 } },
      {
        name: 'from this host',
        run: {
          command: [
            process.execPath,
            '-e',
            `fetch(process.env.HERAKLIT_CANDIDATE_URL + '/index.html').then((a) => process.exit(a.status === 200 && process.env.HERAKLIT_DATABASE_ADDRESS ? 0 : 1))`,
          ],
        },
      },
    ];
    const result = await verify({
      limits: { memory: '256MiB', cpus: 1, pids: 64 },
      services: {
        database: {
          image,
          environment: { PORT: 9000 },
          ready: { http: { port: 9000, path: '/index.html' } },
          volumes: ['data:/data'],
        },
        other: { image, command: SLEEP, needs: ['database'], ready: { exec: ['/bin/busybox', 'true'] } },
      },
      candidate: {
        environment: { GREETING: 'hello', PASSWORD: 'hunter22' },
        tmpfs: ['/state'],
        command: shell(
          'busybox wget -qO /state/told http://database:9000/index.html && echo "found the database with $PASSWORD"; busybox httpd -f -p 8080 -h /www & wait',
        ),
        ready: { tcp: 8080 },
      },
      steps,
    });
    assert.deepEqual(failing(result), {}, JSON.stringify(result));
    assert.equal(result.environment, undefined);
    assert.equal(result.steps.length, steps.length + 4);
    const log = result.logs.find(({ part }) => part === 'candidate')?.text ?? '';
    assert.match(log, /found the database with \*\*\*/);
    assert.ok(!JSON.stringify(result).includes('hunter22'));
    assert.equal(await leftovers(), '');
  });

  real('a candidate that fails is told how: each of these in a world of its own', async () => {
    const alone = (candidate: TestSuite['candidate'], more: TestSuite = {}) =>
      verify({ timeout: 60, ...more, candidate: candidate ?? {} });
    const [never, crash, flood, fork, memory, hang, wrong, dies] = await Promise.all([
      alone({ command: SLEEP, ready: { tcp: 8080, within: 1 } }),
      alone({ command: shell('echo no config >&2; exit 3') }),
      alone(
        {
          command: shell('busybox httpd -p 8080 -h /www; while true; do echo floodfloodfloodflood; done'),
          limits: { cpus: 0.3 },
        },
        {
          steps: [{ http: { path: '/index.html' } }, { exec: { command: ['/bin/busybox', 'yes'] }, within: 20 }],
        },
      ),
      alone(
        {
          command: shell('busybox httpd -p 8080 -h /www; f() { f | f & }; while true; do f; busybox sleep 1; done'),
          limits: { pids: 24, cpus: 0.3 },
        },
        {
          steps: [{ exec: { command: ['/bin/busybox', 'true'] }, within: 5 }],
        },
      ),
      alone(
        {
          command: shell('busybox httpd -p 8080 -h /www; busybox sleep 1; a=x; while true; do a=$a$a; done'),
          limits: { memory: '48MiB' },
        },
        {
          steps: [{ log: { matches: 'never said' } }],
        },
      ),
      alone(
        {},
        {
          steps: [
            { test: { entrypoint: shell('busybox sleep 600') }, within: 1 },
            { run: { command: ['sleep', '600'] }, within: 1 },
          ],
        },
      ),
      alone(
        {},
        {
          steps: [
            { http: { path: '/index.html', json: { '/state/ready': 'yes' } }, within: 1 },
            { http: { path: '/index.html', method: 'POST', body: 'x', status: 201 } },
            { exec: { command: shell('echo tables missing >&2; exit 2') } },
            { tcp: { port: 9, expect: 'x' }, within: 1 },
          ],
        },
      ),
      alone(
        { command: shell('busybox httpd -p 8080 -h /www; busybox sleep 2; echo gone; exit 7') },
        { steps: [{ log: { matches: 'never said' } }, { http: {} }] },
      ),
    ]);
    for (const result of [never, crash, fork, memory, hang, wrong, dies]) {
      assert.equal(result?.environment, undefined, JSON.stringify(result));
    }
    assert.match(failing(never).start ?? '', /not in time: /);
    assert.match(failing(crash).start ?? '', /candidate ended with exit code 3: no config/);
    assert.deepEqual(Object.keys(failing(flood)), ['exec /bin/busybox yes'], JSON.stringify(flood));
    assert.ok(flood.logs.every(({ text, truncated }) => text.length <= 128 * 1024 && truncated));
    // Out of processes: nothing can be run inside, or it can; either way it is over in time and told.
    assert.ok(fork.steps.length > 0);
    assert.match(Object.values(failing(memory)).join(), /memory limit|ran out of memory/, JSON.stringify(memory));
    assert.deepEqual(Object.values(failing(hang)), ['it does not end in time', 'it does not end in time']);
    const problems = Object.values(failing(wrong));
    assert.match(problems[0] ?? '', /\/state\/ready is true, not "yes"/);
    assert.match(problems[1] ?? '', /not 201/);
    assert.match(problems[2] ?? '', /exit code 2, not 0: tables missing/);
    assert.match(problems[3] ?? '', /ECONNREFUSED/);
    // What comes after the end is not waited for.
    assert.equal(dies.steps.filter(({ kind }) => kind === 'http').length, 0, JSON.stringify(dies.steps));
    assert.match(Object.values(failing(dies)).join(), /ended with exit code 7: .*gone/);
    assert.equal(await leftovers(), '');
  });

  real('what the candidate depends on is to blame for itself: the environment', async () => {
    const [missing, sick, dies, refused] = await Promise.all([
      verify({ services: { database: { image: 'localhost/nothing:1' } } }),
      verify({ services: { database: { image, command: shell('echo no space; exit 1'), ready: { tcp: 1 } } } }),
      verify({
        services: { database: { image, command: shell('busybox sleep 2; exit 9') } },
        steps: [{ log: { matches: 'never said' }, within: 4 }],
      }),
      verify({ steps: [{ test: { entrypoint: ['/bin/nothing'] } }] }),
    ]);
    assert.match(missing.environment ?? '', /localhost\/nothing:1/);
    assert.match(sick.environment ?? '', /the service database is not ready: .*exit code 1: no space/);
    assert.match(dies.environment ?? '', /a service ended during the tests: database ended with exit code 9/);
    assert.match(refused.environment ?? '', /the test container does not start/);
    assert.equal(await leftovers(), '');
  });

  real('an engine that goes away is the environment too', async () => {
    const socket = join(scratch.directory, 'own.sock');
    const service = spawn('podman', [...scratch.arguments, 'system', 'service', '--time=0', `unix://${socket}`], {
      stdio: 'ignore',
    });
    try {
      while ((await stat(socket).catch(() => undefined)) === undefined) await sleep(50);
      const other = createEngineRuntime({ socket });
      const running = verify({ steps: [{ log: { matches: 'never said' } }] }, other);
      while (
        (await leftovers()) === '' ||
        !(await scratch.podman('ps', '--format', '{{.Names}}')).includes('candidate')
      )
        await sleep(50);
      service.kill('SIGKILL');
      assert.match((await running).environment ?? '', /does not answer/);
      await other.close();
    } finally {
      service.kill('SIGKILL');
    }
    // It could not be removed then. Its owner lives, so that the reaper lets it be; here it is removed by hand.
    assert.notEqual(await leftovers(), '');
    for (const name of (await leftovers()).split(' ').filter((one) => one.endsWith('-candidate')))
      await scratch.podman('rm', '--force', '--time', '0', name);
    for (const name of (await leftovers()).split(' ')) await scratch.podman('network', 'rm', name);
  });

  const child = (): ChildProcess =>
    spawn(
      process.execPath,
      [new URL('../support/suite-child.ts', import.meta.url).pathname, JSON.stringify(scratch.arguments), image],
      { stdio: 'ignore' },
    );

  real('what a killed process left is removed, wherever it was killed; what lives is not touched', async () => {
    const labels = await ownerLabels(Date.now() + 600_000);
    const given = (all: Readonly<Record<string, string>>) =>
      Object.entries(all).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
    const alive = `alive-${process.pid}`;
    await scratch.podman('network', 'create', ...given(labels), alive);
    await scratch.podman('volume', 'create', ...given(labels), 'alive');
    const elsewhere = { ...labels, [EngineLabel.owner]: '1:1:0123456789ab' };
    await scratch.podman('volume', 'create', ...given(elsewhere), 'elsewhere');
    await scratch.podman('volume', 'create', ...given({ ...elsewhere, [EngineLabel.deadline]: '1000' }), 'over');
    await scratch.podman('volume', 'create', 'stranger');
    const points = [/^heraklit-test-[0-9a-f-]{12}$/, /-first$/, /-candidate$/];
    for (const point of points) {
      const earlier = new Set((await leftovers()).split(' '));
      const killed = child();
      owners.add(killed.pid ?? 0);
      const ended = once(killed, 'exit');
      const reached = async () => (await leftovers()).split(' ').some((name) => !earlier.has(name) && point.test(name));
      while (!(await reached()) && killed.exitCode === null) await sleep(20);
      killed.kill('SIGKILL');
      await ended;
    }
    assert.notEqual(await leftovers(), '');
    assert.ok((await engineRunner(runtime).reap()) > points.length);
    assert.equal(await leftovers(), '');
    assert.equal(
      (await scratch.podman('volume', 'ls', '--format', '{{.Name}}')).trim().split('\n').sort().join(),
      'alive,elsewhere,stranger',
    );
    assert.match(await scratch.podman('network', 'ls', '--format', '{{.Name}}'), /^alive-\d+$/m);
    await scratch.podman('network', 'rm', alive);
  });
});
