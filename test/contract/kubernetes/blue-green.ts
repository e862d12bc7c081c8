import assert from 'node:assert/strict';
import type { RolloutStep } from '../../../src/runtime/index.ts';
import { ask, code, DEADLINE, kindOf } from './ask.ts';
import { type ContractTools, controlOf, forever, type Live, ONE, TWO, type World } from './world.ts';

export function blueGreenContract({ contract, world: fresh }: ContractTools): void {
  const GREEN = { app: 'web-green', 'io.heraklit.role': 'green' };
  const selector = async (world: World, name = 'web') =>
    (await world.must('GET', `/api/v1/namespaces/${world.namespace}/services/${name}`)).spec.selector;

  contract('the Service is switched to a whole second set, and back to the workload at the end', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.service();
    await world.service('preview', { app: 'nothing' });
    const seen: object[] = [];
    const look = async ({ weight, pause, after }: RolloutStep): Promise<undefined> => {
      seen.push({
        weight,
        pause,
        pods: after.members.length,
        web: await selector(world),
        preview: await selector(world, 'preview'),
      });
    };
    const strategy = { kind: 'blueGreen', service: 'web', previewService: 'preview', keep: 500 } as const;
    kindOf(await ask(world, workload, TWO, { strategy, control: controlOf(look, look) }), 'rolledout');
    assert.deepEqual(seen, [
      { weight: 0, pause: undefined, pods: 3, web: { app: 'web' }, preview: GREEN },
      { weight: 100, pause: 500, pods: 3, web: GREEN, preview: GREEN },
    ]);
    assert.deepEqual([await selector(world), await selector(world, 'preview')], [{ app: 'web' }, { app: 'nothing' }]);
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [TWO.image, []]);
    const service = await world.must('GET', `/api/v1/namespaces/${world.namespace}/services/web`);
    const managers = (service.metadata.managedFields ?? []).map(({ manager }: Live) => manager);
    assert.ok(!managers.includes('heraklit'), 'the Service is given back to its owners');
  });

  contract('back after the switch is the switch alone: the workload was never changed', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.service();
    const template = (await world.get()).spec.template;
    const control = controlOf(
      async () => undefined,
      async () => ({ kind: 'back', reason: 'errors', blame: 'image' }),
    );
    const strategy = { kind: 'blueGreen', keep: 60_000 } as const;
    kindOf(await ask(world, workload, TWO, { strategy, control }), 'rolledback', 'image');
    assert.deepEqual((await world.get()).spec.template, template);
    assert.deepEqual([await selector(world), await world.leftovers()], [{ app: 'web' }, []]);
  });

  contract('ended after the switch, the next call goes on there', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.service();
    const ended = new AbortController();
    const strategy = { kind: 'blueGreen', keep: 60_000 } as const;
    const control = controlOf(
      async () => undefined,
      async (step, signal) => {
        setTimeout(() => ended.abort(), 10);
        return await forever(step, signal);
      },
    );
    await assert.rejects(
      world.runtime.rollout({ workload, ...TWO, deadline: DEADLINE, strategy, control }, ended.signal),
    );
    assert.deepEqual(await selector(world), GREEN);
    const next = controlOf();
    kindOf(await ask(world, await world.listed(), TWO, { strategy, control: next }), 'rolledout');
    assert.deepEqual(
      next.steps.map(({ weight }) => weight),
      [100],
    );
    assert.deepEqual(
      [await selector(world), await world.imageOf(), await world.leftovers()],
      [{ app: 'web' }, TWO.image, []],
    );
  });

  contract('an operator who switches the Service back wins', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.service();
    const control = controlOf(
      async () => undefined,
      async (step, signal) => {
        const steps = [{ op: 'replace', path: '/spec/selector', value: { app: 'web' } }];
        await world.must(
          'PATCH',
          `/api/v1/namespaces/${world.namespace}/services/web`,
          steps,
          'application/json-patch+json',
        );
        return await forever(step, signal);
      },
    );
    const outcome = await ask(world, workload, TWO, { strategy: { kind: 'blueGreen', keep: 60_000 }, control });
    kindOf(outcome, 'rolledback', 'operator');
    assert.deepEqual(
      [await selector(world), await world.imageOf(), await world.leftovers()],
      [{ app: 'web' }, ONE.image, []],
    );
  });

  contract('it is refused where no Service, or more than one, leads to the pods', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const refused = code('KUBERNETES_STRATEGY_NOT_APPLICABLE');
    await assert.rejects(ask(world, workload, TWO, { strategy: { kind: 'blueGreen' } }), refused);
    await world.service();
    await world.service('second', { tier: 'front' });
    await assert.rejects(ask(world, workload, TWO, { strategy: { kind: 'blueGreen' } }), refused);
    assert.deepEqual(await world.leftovers(), []);
  });
}
