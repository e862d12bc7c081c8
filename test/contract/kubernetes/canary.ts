import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutStep } from '../../../src/runtime/index.ts';
import { ask, code, DEADLINE, kindOf, weights } from './ask.ts';
import {
  type ContractTools,
  CRASH,
  controlOf,
  deploymentPath,
  forever,
  type Live,
  ONE,
  THREE,
  TWO,
  UNREADY,
} from './world.ts';

export function canaryContract({ contract, world: fresh }: ContractTools): void {
  contract('copies beside the workload, as many as the weight says, and none left at the end', async () => {
    const world = await fresh();
    const workload = await world.workload('Deployment', { replicas: 4 });
    const seen: object[] = [];
    const look = async (step: RolloutStep): Promise<undefined> => {
      const { spec } = await world.get();
      const image = spec.template.spec.containers[0].image;
      const pods = await world.pods(step.after.selector ?? '');
      assert.deepEqual(pods.map(({ metadata }) => metadata.name).sort(), [...step.after.members].sort());
      seen.push({
        weight: step.weight,
        before: step.before.members.length,
        after: pods.length,
        image,
        replicas: spec.replicas,
      });
    };
    const control = controlOf(look, look);
    const outcome = await ask(world, workload, TWO, { strategy: weights(20, 50), control });
    kindOf(outcome, 'rolledout');
    assert.deepEqual(seen, [
      { weight: 20, before: 4, after: 1, image: ONE.image, replicas: 4 },
      { weight: 50, before: 4, after: 4, image: ONE.image, replicas: 4 },
    ]);
    assert.deepEqual([await world.imageOf(), (await world.get()).spec.replicas], [TWO.image, 4]);
    assert.deepEqual(await world.leftovers(), []);
    assert.equal((await world.listed()).digest, TWO.digest);
    kindOf(await ask(world, await world.listed(), TWO, { strategy: weights(20) }), 'unchanged');
  });

  contract(
    'over half, the workload itself becomes smaller for a while, and has all its copies before the others go',
    async () => {
      const world = await fresh();
      const workload = await world.workload('Deployment', { replicas: 4 });
      const seen: object[] = [];
      const look = async (step: RolloutStep): Promise<undefined> => {
        const { spec } = await world.get();
        const [old, made] = [
          await world.pods('app=web,!io.heraklit.role'),
          await world.pods(step.after.selector ?? ''),
        ];
        assert.equal(spec.template.spec.containers[0].image, ONE.image);
        seen.push([step.weight, made.length, old.length, spec.replicas]);
      };
      const control = controlOf(look, look, look);
      kindOf(await ask(world, workload, TWO, { strategy: weights(50, 80, 100), control }), 'rolledout');
      assert.deepEqual(seen, [
        [50, 4, 4, 4],
        [80, 4, 1, 1],
        [100, 4, 0, 0],
      ]);
      const { spec, metadata } = await world.get();
      assert.deepEqual([await world.imageOf(), spec.replicas, await world.leftovers()], [TWO.image, 4, []]);
      assert.equal((await world.pods('app=web')).length, 4);
      const ours = metadata.managedFields.filter(
        ({ manager, operation, fieldsV1 }: Live) =>
          manager === 'heraklit' && operation === 'Update' && 'f:replicas' in (fieldsV1?.['f:spec'] ?? {}),
      );
      assert.deepEqual(ours, [], 'nobody meets us when they set the number of copies');
    },
  );

  contract('taken back over half, and ended over half: all old copies serve again before the others go', async () => {
    const world = await fresh();
    const workload = await world.workload('Deployment', { replicas: 4 });
    const back = controlOf(async () => ({ kind: 'back', reason: 'slow', blame: 'image' }));
    kindOf(await ask(world, workload, TWO, { strategy: weights(80), control: back }), 'rolledback', 'image');
    assert.deepEqual([(await world.get()).spec.replicas, await world.leftovers()], [4, []]);
    assert.equal((await world.settled()).digest, ONE.digest);
    const ended = new AbortController();
    const held = controlOf(async (step, signal) => {
      setTimeout(() => ended.abort(), 10);
      return await forever(step, signal);
    });
    const request = { workload, ...TWO, deadline: DEADLINE, strategy: weights(80), control: held };
    await assert.rejects(world.runtime.rollout(request, ended.signal));
    assert.equal((await world.get()).spec.replicas, 1);
    kindOf(await ask(world, await world.listed(), THREE, { strategy: { kind: 'rolling' } }), 'rolledout');
    assert.deepEqual([(await world.get()).spec.replicas, await world.imageOf()], [4, THREE.image]);
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('an operator who sets the number of copies over half keeps it', async () => {
    const world = await fresh();
    const workload = await world.workload('Deployment', { replicas: 4 });
    const control = controlOf(async () => {
      const path = `${deploymentPath(world.namespace)}?fieldManager=kubectl-scale`;
      await world.must('PATCH', path, { spec: { replicas: 2 } }, 'application/merge-patch+json');
      return undefined;
    });
    kindOf(await ask(world, workload, TWO, { strategy: weights(80), control }), 'rolledout');
    assert.deepEqual([(await world.get()).spec.replicas, await world.leftovers()], [2, []]);
  });

  contract('where an autoscaler keeps the number of copies, over half is refused before anything changes', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.must('POST', `/apis/autoscaling/v1/namespaces/${world.namespace}/horizontalpodautoscalers`, {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'by-load' },
      spec: { maxReplicas: 9, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
    });
    await assert.rejects(
      ask(world, workload, TWO, { strategy: weights(20, 80) }),
      code('KUBERNETES_STRATEGY_NOT_APPLICABLE'),
    );
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [ONE.image, []]);
    kindOf(await ask(world, workload, TWO, { strategy: weights(20, 50) }), 'rolledout');
  });

  contract('a crashing candidate never touches the workload and is found before the deadline', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const template = (await world.get()).spec.template;
    const control = controlOf();
    const outcome = await ask(world, workload, CRASH, { strategy: weights(25), control, deadline: 150_000 });
    kindOf(outcome, 'rolledback', 'image');
    assert.match('reason' in outcome ? outcome.reason : '', /CrashLoopBackOff, 4 restarts/);
    assert.deepEqual(control.steps, []);
    assert.deepEqual((await world.get()).spec.template, template);
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('taken back in the middle by whoever controls it, with their reason', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const control = controlOf(async () => ({ kind: 'back', reason: 'more errors than before', blame: 'image' }));
    const outcome = await ask(world, workload, TWO, { strategy: weights(25, 50), control });
    kindOf(outcome, 'rolledback', 'image');
    assert.equal('reason' in outcome && outcome.reason, 'more errors than before');
    assert.equal(await world.imageOf(), ONE.image);
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('revoked while copies come up', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const revoked = async () => ({ kind: 'back', reason: 'a freeze', blame: 'operator' }) as const;
    const outcome = await ask(world, workload, UNREADY, {
      strategy: weights(25),
      control: { ...controlOf(), revoked },
    });
    kindOf(outcome, 'rolledback', 'operator');
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('ended by its signal it stays where it is; the next call goes on from there', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const ended = new AbortController();
    const first = controlOf(
      async () => undefined,
      async (step, signal) => {
        setTimeout(() => ended.abort(), 10);
        return await forever(step, signal);
      },
    );
    await assert.rejects(
      world.runtime.rollout(
        { workload, ...TWO, deadline: DEADLINE, strategy: weights(20, 50), control: first },
        ended.signal,
      ),
    );
    assert.equal((await world.pods('io.heraklit.role=canary')).length, 3);
    const second = controlOf();
    kindOf(await ask(world, await world.listed(), TWO, { strategy: weights(20, 50), control: second }), 'rolledout');
    assert.deepEqual(
      second.steps.map(({ index }) => index),
      [1],
    );
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('another image instead of one that was left half-way: that one is cleared up first', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const ended = new AbortController();
    const control = controlOf(async (step, signal) => {
      setTimeout(() => ended.abort(), 10);
      return await forever(step, signal);
    });
    await assert.rejects(
      world.runtime.rollout({ workload, ...TWO, deadline: DEADLINE, strategy: weights(50), control }, ended.signal),
    );
    const outcome = await ask(world, await world.listed(), THREE, { strategy: { kind: 'rolling' } });
    kindOf(outcome, 'rolledout');
    assert.equal('from' in outcome && outcome.from, ONE.image);
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [THREE.image, []]);
  });

  contract('an operator who sets another image meanwhile wins', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const control = controlOf(async (step, signal) => {
      await world.operatorSets(THREE.image);
      return await forever(step, signal);
    });
    const outcome = await ask(world, workload, TWO, { strategy: weights(25), control });
    kindOf(outcome, 'overtaken');
    assert.match('reason' in outcome ? outcome.reason : '', /kubectl-set set .*f{64}/);
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [THREE.image, []]);
  });

  contract('a workload deleted in the middle takes its copies with it', async () => {
    const world = await fresh();
    const workload = await world.workload();
    const control = controlOf(async (step, signal) => {
      await world.must('DELETE', deploymentPath(world.namespace));
      return await forever(step, signal);
    });
    await assert.rejects(
      ask(world, workload, TWO, { strategy: weights(25), control }),
      code('KUBERNETES_WORKLOAD_MISSING'),
    );
    const until = Date.now() + DEADLINE;
    while ((await world.leftovers()).length > 0 && Date.now() < until) await sleep(50);
    assert.deepEqual(await world.leftovers(), []);
  });

  contract('a StatefulSet by its partition, from the highest pod down', async () => {
    const world = await fresh();
    const workload = await world.workload('StatefulSet', { replicas: 4 });
    const images: unknown[] = [];
    const control = controlOf(async () => {
      const pods = await world.pods('app=web');
      const of = (pod: Live): string => (pod.spec.containers[0].image === TWO.image ? 'new' : 'old');
      images.push(
        pods
          .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
          .map(of)
          .sort(),
      );
      return undefined;
    });
    kindOf(await ask(world, workload, TWO, { strategy: weights(25), control }), 'rolledout');
    assert.deepEqual(images, [['new', 'old', 'old', 'old']]);
    const { spec, metadata } = await world.must('GET', `/apis/apps/v1/namespaces/${world.namespace}/statefulsets/web`);
    assert.equal(spec.updateStrategy?.rollingUpdate?.partition ?? 0, 0);
    assert.equal(metadata.annotations['io.heraklit.rollout'], undefined);
  });

  contract('a StatefulSet taken back at a step runs what it ran, with the partition it had', async () => {
    const world = await fresh();
    const workload = await world.workload('StatefulSet', { replicas: 3 });
    const control = controlOf(async () => ({ kind: 'back', reason: 'slow', blame: 'image' }));
    kindOf(await ask(world, workload, TWO, { strategy: weights(30), control }), 'rolledback', 'image');
    const { spec } = await world.must('GET', `/apis/apps/v1/namespaces/${world.namespace}/statefulsets/web`);
    assert.equal(spec.updateStrategy?.rollingUpdate?.partition ?? 0, 0);
    assert.equal(spec.template.spec.containers[0].image, ONE.image);
  });
}
