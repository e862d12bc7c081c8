import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEngineRuntime, type RenewalRequest, type Workload } from '../../src/runtime/index.ts';
import { openCli } from '../support/cli.ts';
import { podmanScratch, SERVE } from './engine-images.ts';

/** Says a line for each start, and one that a health analysis would count. */
const TALKS = ['/bin/busybox', 'sh', '-c', `echo fine; echo ERROR one; ${SERVE[3]}`];

test('podman: old containers are replaced by new ones of the same image, healthy first, without a failed request', {
  timeout: 180_000,
}, async (context) => {
  const scratch = await podmanScratch();
  if ('skip' in scratch) return context.skip(scratch.skip);
  const runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2_000 });
  let asking = true;
  try {
    const { image } = await scratch.image('talks', 'hello', TALKS);
    const { front } = await runtime.launch({
      ...{ name: 'shop', image, replicas: 2, port: 8080, listen: { host: '127.0.0.1', port: 0 }, network: 'host' },
      ...{ health: { kind: 'http', path: '/index.html' }, portVariable: 'PORT' },
    });
    assert.ok(front);
    const listed = async (): Promise<Workload> => {
      const found = (await runtime.list()).find(({ name }) => name === 'shop');
      assert.ok(found);
      return found;
    };
    const copies = async () => (await runtime.renewal.copies()).filter(({ workload }) => workload === 'podman:shop');
    const workload = await listed();
    const before = await copies();
    assert.deepEqual(before.map(({ name }) => name).sort(), ['shop-1', 'shop-2']);
    assert.ok(
      before.every(({ created }) => Math.abs(Date.now() - created.getTime()) < 120_000),
      JSON.stringify(before),
    );

    // Logs and restarts as health analysis reads them.
    const member = { namespace: '', container: 'shop', name: 'shop-1' };
    const output = await runtime.members.output(member, new Date(Date.now() - 600_000));
    assert.deepEqual(output, { lines: ['fine', 'ERROR one'], from: undefined });
    assert.deepEqual((await runtime.members.output(member, new Date(Date.now() + 600_000)))?.lines, []);
    assert.equal(await runtime.members.restarts(member), 0);
    assert.equal(await runtime.members.restarts({ ...member, name: 'nobody' }), undefined);
    assert.equal(await runtime.members.output({ ...member, name: 'nobody' }, new Date()), undefined);

    let failed = 0;
    let answered = 0;
    const url = `http://${front.address.host}:${front.address.port}/index.html`;
    const asked = (async () => {
      while (asking) {
        const fine = await fetch(url).then(
          async (response) => response.ok && (await response.text()) === 'hello',
          () => false,
        );
        if (fine) answered += 1;
        else failed += 1;
      }
    })();
    const request = (more: Partial<RenewalRequest> = {}): RenewalRequest => ({
      ...{ workload, before: new Date(Date.now() + 1_000), deadline: 30_000 },
      ...more,
    });
    assert.equal((await runtime.renewal.renew(request({ before: new Date(0) }))).kind, 'unchanged');
    const outcome = await runtime.renewal.renew(request());
    asking = false;
    await asked;
    assert.equal(outcome.kind, 'renewed', JSON.stringify(outcome));
    assert.equal(failed, 0);
    assert.ok(answered > 0);
    const ids = async () => (await scratch.podman('ps', '--all', '--quiet', '--no-trunc')).trim().split('\n').sort();
    const after = await copies();
    assert.deepEqual(after.map(({ name }) => name).sort(), ['shop-1', 'shop-2']);
    assert.deepEqual((await listed()).digest, workload.digest);
    assert.equal((await ids()).length, 2, 'nothing is left over');

    // It can no longer become healthy: what runs stays.
    const running = await ids();
    await scratch.podman('exec', 'shop-1', '/bin/busybox', 'true');
    const sick = request({ deadline: 1_500 });
    const unhealthy = await scratch.image('talks', 'hello', ['/bin/busybox', 'false']);
    assert.notEqual(unhealthy.digest, workload.digest);
    const again = await runtime.renewal.renew(sick);
    // The containers name their image by digest: a tag that moved does not change what they are renewed with.
    assert.equal(again.kind, 'renewed', JSON.stringify(again));
    assert.notDeepEqual(await ids(), running);
    assert.equal((await listed()).digest, workload.digest);
    assert.deepEqual(await runtime.renewal.renew(request({ workload: { ...workload, name: 'nobody' } })), {
      ...{ kind: 'refused', workload: 'podman:shop', reason: 'it is gone' },
    });

    // The front is ours: the command may look, and leaves what it cannot take over.
    const cli = await openCli(context);
    const words = ['--max-age', '0.000001', ...scratch.arguments.map((word) => `--engine-argument=${word}`)];
    const looked = await cli.run(['ages', ...words, '--format', 'json', '--fail-on', 'over']);
    assert.equal(looked.code, 1, looked.stderr);
    const report = JSON.parse(looked.stdout) as { workloads: { workload: string; copies: number; state: string }[] };
    assert.deepEqual(
      report.workloads.map(({ workload: id, copies: count, state }) => [id, count, state]),
      [['podman:shop', 2, 'over']],
    );
    const fleet = { apiVersion: 'heraklit/v1', kind: 'Fleet', images: [], rollout: { maxAge: 30 } };
    await writeFile(join(cli.root, 'heraklit.yaml'), JSON.stringify(fleet));
    const within = await cli.run(['ages', '--fleet', 'heraklit.yaml', ...words.slice(2), '--fail-on', 'over']);
    assert.equal(within.code, 0, within.stderr);
    assert.match(within.stdout, /^WORKLOAD .*\npodman:shop +2 {2}shop-[12] +0\.0 +30 {2}within\n$/);
    assert.equal((await cli.run(['ages', '--max-age', 'soon'])).code, 2);
  } finally {
    asking = false;
    await runtime.dismantle('shop').catch(() => undefined);
    await runtime.close();
    await scratch.close();
  }
});
