import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, code, kindOf, weights } from './ask.ts';
import { type ContractTools, controlOf, deploymentPath, ONE, TWO, type World } from './world.ts';

const CHILD = new URL('../../support/rollout-child.ts', import.meta.url).pathname;

/** A claim as another machine writes it. */
const claimed = async (world: World, renewed: number, more: object = {}): Promise<void> => {
  const claim = {
    version: 1,
    container: 'web',
    image: TWO.image,
    from: ONE.image,
    previous: ONE.image,
    strategy: 'canary',
    phase: 'steps',
    step: 1,
    holder: 'elsewhere/7:7/abc',
    renewed,
    every: 300,
    ...more,
  };
  const metadata = { annotations: { 'io.heraklit.rollout': JSON.stringify(claim) } };
  await world.must('PATCH', deploymentPath(world.namespace), { metadata }, 'application/merge-patch+json');
};

export function claimContract({ contract, world: fresh }: ContractTools): void {
  contract('a process killed in the middle of a canary: the next call goes on at the step', async () => {
    const world = await fresh();
    await world.workload('Deployment', { replicas: 4 });
    const child = spawn(process.execPath, [CHILD, world.cluster.kubeconfig, world.namespace, TWO.image], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [told] = await once(child.stdout, 'data');
    assert.equal(String(told), 'held\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const claim = (await world.get()).metadata.annotations['io.heraklit.rollout'];
    assert.deepEqual([JSON.parse(claim).step, (await world.pods('io.heraklit.role=canary')).length], [1, 4]);
    const control = controlOf();
    kindOf(await ask(world, await world.listed(), TWO, { strategy: weights(20, 50), control }), 'rolledout');
    assert.deepEqual(
      control.steps.map(({ index }) => index),
      [1],
    );
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [TWO.image, []]);
  });

  contract('a holder on another machine that gives no sign of life is followed at its step', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await claimed(world, 5);
    const control = controlOf();
    kindOf(await ask(world, workload, TWO, { strategy: weights(20, 50), control }), 'rolledout');
    assert.deepEqual(
      control.steps.map(({ index }) => index),
      [1],
    );
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('one that does is left alone', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await claimed(world, 1);
    let alive = true;
    const signs = (async () => {
      for (let renewed = 2; alive; renewed += 1) {
        await sleep(60);
        await claimed(world, renewed);
      }
    })();
    await assert.rejects(ask(world, workload, TWO, { strategy: weights(20, 50) }), code('KUBERNETES_ROLLOUT_BUSY'));
    alive = false;
    await signs;
    assert.equal(await world.imageOf(), ONE.image);
  });

  contract('an annotation that nobody of us wrote is no claim', async () => {
    const world = await fresh();
    const workload = await world.workload();
    for (const text of ['{}', 'x', '[1]', JSON.stringify({ version: 1, step: 'a' }), `"${'y'.repeat(20_000)}"`]) {
      const metadata = { annotations: { 'io.heraklit.rollout': text } };
      await world.must('PATCH', deploymentPath(world.namespace), { metadata }, 'application/merge-patch+json');
      const to = (await world.imageOf()) === ONE.image ? TWO : ONE;
      kindOf(await ask(world, workload, to, {}), 'rolledout');
      assert.deepEqual([await world.imageOf(), await world.leftovers()], [to.image, []]);
    }
  });
}
