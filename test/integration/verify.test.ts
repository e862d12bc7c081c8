import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLayerFactsReader } from '../../src/build/index.ts';
import { parseReference } from '../../src/oci/index.ts';
import type { VerifyChecks } from '../../src/recipe/index.ts';
import { createEngineRuntime, EngineLabel, type EngineRuntime } from '../../src/runtime/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { type Verification, verifyImage } from '../../src/verify/index.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';

describe('a candidate is started under podman', () => {
  let scratch: PodmanScratch;
  let runtime: EngineRuntime;
  let skip: string | undefined;
  before(async () => {
    const made = await podmanScratch();
    if ('skip' in made) skip = made.skip;
    else {
      scratch = made;
      runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments });
    }
  });
  after(async () => {
    await runtime?.close();
    await scratch?.close();
  });

  const verify = async (
    name: string,
    command: readonly string[],
    changes: readonly string[],
    checks: VerifyChecks = {},
  ): Promise<Verification> => {
    const { image: reference } = await scratch.image(name, 'hello', command, changes);
    const layout = join(scratch.directory, `layout-${name}`);
    await scratch.podman('push', '--quiet', reference, `oci:${layout}:candidate`);
    const image = await openImage(parseReference(`oci:${layout}:candidate`));
    const facts = createLayerFactsReader(join(scratch.directory, 'facts'));
    return await verifyImage({ image, reference }, { facts, runtime, checks: { timeout: 4, ...checks }, stayUp: 500 });
  };
  const smoke = (name: string, body: () => Promise<void>): void => {
    test(name, { timeout: 60_000 }, async (context) => {
      if (skip === undefined) await body();
      else context.skip(skip);
    });
  };
  const summary = ({ steps }: Verification) => steps.map(({ name, passed }) => `${passed ? '+' : '-'} ${name}`);
  const SERVES = ['ENV PORT=8080', 'EXPOSE 8080'];

  smoke('a server that answers passes, with the checks of the fleet file', async () => {
    const http = { port: 8080, path: '/index.html', status: 200 };
    const result = await verify('server', SERVE, SERVES, { http, commands: [['/bin/busybox', 'true']] });
    assert.equal(result.passed, true, JSON.stringify(result.steps));
    assert.equal(result.mode, 'engine');
    const started = ['+ start', '+ stay up', '+ ports', '+ http 8080/index.html', '+ command /bin/busybox true'];
    assert.deepEqual(summary(result), ['+ packages', '+ merged /usr', '+ entry point', '+ libraries', ...started]);
    assert.equal(await scratch.podman('ps', '--all', '--quiet'), '');
  });

  smoke('one that ends, answers wrongly, or whose command fails does not', async () => {
    const crash = await verify('crash', ['/bin/busybox', 'sh', '-c', 'echo no config >&2; exit 3'], SERVES);
    assert.equal(crash.passed, false);
    assert.match(crash.steps.at(-1)?.detail ?? '', /exit code 3: no config/);
    const wrong = await verify('wrong', SERVE, SERVES, {
      http: { port: 8080, path: '/missing' },
      commands: [['/bin/busybox', 'false']],
    });
    assert.deepEqual(summary(wrong).slice(-2), ['- http 8080/missing', '- command /bin/busybox false']);
    const silent = await verify('silent', ['/bin/busybox', 'sleep', '60'], ['EXPOSE 8080']);
    assert.deepEqual(summary(silent).slice(-1), ['- ports']);
  });

  smoke('one that serves nothing may end with exit code 0', async () => {
    const result = await verify('job', ['/bin/busybox', 'true'], []);
    assert.equal(result.passed, true, JSON.stringify(result.steps));
  });

  smoke('a command that is not there fails before and after starting', async () => {
    const result = await verify('absent', ['/bin/nothing'], []);
    assert.deepEqual(summary(result), ['+ packages', '+ merged /usr', '- entry point', '- start']);
  });

  smoke(
    'containers of a process that was killed are removed by the next one, those of a living one are not',
    async () => {
      const { image } = await scratch.image('left', 'x', ['/bin/busybox', 'sleep', '60']);
      const other = spawn('sleep', ['60'], { stdio: 'ignore' });
      const start = (await import('node:fs'))
        .readFileSync(`/proc/${other.pid}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ')[19];
      await scratch.podman('create', '--name', 'alive', '--label', `${EngineLabel.owner}=${other.pid}:${start}`, image);
      await scratch.podman('create', '--name', 'reused', '--label', `${EngineLabel.owner}=${other.pid}:1`, image);
      await scratch.podman('create', '--name', 'stranger', image);
      assert.equal(await runtime.reap(), 1);
      assert.deepEqual((await scratch.podman('ps', '--all', '--format', '{{.Names}}')).trim().split('\n').sort(), [
        'alive',
        'stranger',
      ]);
      other.kill();
    },
  );
});
