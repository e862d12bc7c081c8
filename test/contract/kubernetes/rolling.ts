import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, code, DEADLINE, kindOf, weights } from './ask.ts';
import { type ContractTools, CRASH, deploymentPath, ONE, THREE, TWO, UNREADY, World } from './world.ts';

export function rollingContract({ contract, world: fresh }: ContractTools): void {
  contract('an operator who sets another image while it comes up wins', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const rollout = ask(world, workload, UNREADY, {});
    while ((await world.imageOf()) !== UNREADY.image) await sleep(20);
    await world.operatorSets(THREE.image);
    kindOf(await rollout, 'overtaken');
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [THREE.image, []]);
  });

  contract('a crash loop is seen before the deadline', async () => {
    const world = await fresh();
    const workload = await world.workload();
    kindOf(await ask(world, workload, CRASH, { deadline: 150_000 }), 'rolledback', 'image');
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [ONE.image, []]);
  });

  contract('two at once: the second one yields', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const ended = new AbortController();
    const first = world.runtime.rollout({ workload, ...UNREADY, deadline: DEADLINE }, ended.signal);
    while ((await world.imageOf()) !== UNREADY.image) await sleep(20);
    const other = new World(world.cluster, world.namespace);
    await assert.rejects(ask(other, workload, TWO, {}), code('KUBERNETES_ROLLOUT_BUSY'));
    ended.abort();
    await assert.rejects(first);
    kindOf(await ask(other, await world.listed(), TWO, {}), 'rolledout');
    await other.runtime.close();
  });

  contract('a quota that refuses the copies is no fault of the image, and nothing stays', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const path = `/api/v1/namespaces/${world.namespace}/resourcequotas`;
    const hard = { 'count/deployments.apps': '1' };
    await world.must('POST', path, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'one' },
      spec: { hard },
    });
    while ((await world.must('GET', `${path}/one`)).status?.used?.['count/deployments.apps'] !== '1') await sleep(50);
    await assert.rejects(ask(world, workload, TWO, { strategy: weights(25) }), code('KUBERNETES_ADMISSION_REFUSED'));
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [ONE.image, []]);
  });

  contract('a namespace that goes is left alone', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const finalizers = ['test.heraklit.io/hold'];
    const held = `${deploymentPath(world.namespace)}`;
    await world.must('PATCH', held, { metadata: { finalizers } }, 'application/merge-patch+json');
    await world.must('DELETE', `/api/v1/namespaces/${world.namespace}`);
    await assert.rejects(ask(world, workload, TWO, {}), code('KUBERNETES_NAMESPACE_TERMINATING'));
    await world.must('PATCH', held, { metadata: { finalizers: null } }, 'application/merge-patch+json');
  });

  contract('what cannot be done is refused before anything changes', async () => {
    const world = await fresh();
    const daemons = await world.workload('DaemonSet', { name: 'agent' });
    const refused = code('KUBERNETES_STRATEGY_NOT_APPLICABLE');
    await assert.rejects(ask(world, daemons, TWO, { strategy: weights(10) }), refused);
    await assert.rejects(ask(world, daemons, TWO, { strategy: { kind: 'blueGreen' } }), refused);
    const workload = await world.workload();
    const route = { kind: 'gateway', route: 'none' } as const;
    await assert.rejects(ask(world, workload, TWO, { strategy: { ...weights(10), traffic: route } }), refused);
    const taken = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web-canary-heraklit' } };
    const spec = { ...(await world.get()).spec, replicas: 0 };
    await world.must('POST', `/apis/apps/v1/namespaces/${world.namespace}/deployments`, { ...taken, spec });
    await assert.rejects(ask(world, workload, TWO, { strategy: weights(10) }), code('KUBERNETES_NAME_TAKEN'));
    await world.must('DELETE', deploymentPath(world.namespace, 'web-canary-heraklit'));
    await world.must(
      'PATCH',
      deploymentPath(world.namespace),
      { spec: { paused: true } },
      'application/merge-patch+json',
    );
    await assert.rejects(ask(world, workload, TWO, {}), code('KUBERNETES_WORKLOAD_PAUSED'));
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [ONE.image, []]);
  });
}
