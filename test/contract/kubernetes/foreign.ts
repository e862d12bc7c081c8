import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../../../src/runtime/index.ts';
import { ask, code, kindOf, weights } from './ask.ts';
import { type ContractTools, CRASH, controlOf, type Live, ONE, TWO, type World } from './world.ts';

const KINDS = {
  Rollout: {
    path: 'apis/argoproj.io/v1alpha1',
    plural: 'rollouts',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
  },
  KnativeService: {
    path: 'apis/serving.knative.dev/v1',
    plural: 'services',
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
  },
} as const;
type Kind = keyof typeof KINDS;

/** An object of the kind and a controller of it, played: it answers each new generation with what `status` says. */
async function play(
  world: World,
  kind: Kind,
  status: (object: Live) => object,
): Promise<{ readonly workload: Workload; readonly get: () => Promise<Live>; stop(): Promise<void> }> {
  const { path, plural, apiVersion, kind: own } = KINDS[kind];
  const collection = `/${path}/namespaces/${world.namespace}/${plural}`;
  const labels = { app: 'web' };
  const containers = [
    { name: 'web', image: ONE.image, env: [{ name: 'A', value: '1' }] },
    { name: 'side', image: ONE.image },
  ];
  const spec = {
    ...(kind === 'Rollout' ? { replicas: 2, selector: { matchLabels: labels }, strategy: { canary: {} } } : {}),
    template: { metadata: { labels }, spec: { containers } },
  };
  await world.must('POST', `${collection}?fieldManager=helm`, {
    apiVersion,
    kind: own,
    metadata: { name: 'web' },
    spec,
  });
  const get = async (): Promise<Live> => await world.must('GET', `${collection}/web`);
  let stopped = false;
  const running = (async () => {
    let told = '';
    while (!stopped) {
      const object = await get();
      const next = status(object);
      if (JSON.stringify(next) !== told) {
        await world.must('PATCH', `${collection}/web/status`, { status: next }, 'application/merge-patch+json');
        told = JSON.stringify(next);
      }
      await sleep(20);
    }
  })();
  const workload = await world.listed();
  return {
    workload,
    get,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}

const imageIn = (object: Live): string => object.spec.template.spec.containers[0].image;

const argo = (object: Live): object => {
  const bad = imageIn(object) === CRASH.image;
  const hash = imageIn(object).slice(-5);
  const observedGeneration = String(object.metadata.generation);
  if (!bad)
    return {
      observedGeneration,
      phase: 'Healthy',
      currentPodHash: hash,
      stableRS: hash,
      updatedReplicas: 2,
      abort: null,
      message: null,
    };
  const message = 'RolloutAborted: Rollout aborted update to revision 2: Metric "errors" assessed Failed';
  return {
    observedGeneration,
    phase: 'Degraded',
    currentPodHash: hash,
    stableRS: 'old',
    updatedReplicas: 1,
    abort: true,
    message,
  };
};

const knative = (object: Live): object => {
  const bad = imageIn(object) === CRASH.image;
  const observedGeneration = object.metadata.generation;
  const created = `web-${imageIn(object).slice(-5)}`;
  const status = bad ? 'False' : 'True';
  const message = `Revision "${created}" failed with message: Container failed with: exit 1`;
  const of = (type: string): object => ({ type, status, ...(bad ? { reason: 'RevisionFailed', message } : {}) });
  return {
    observedGeneration,
    latestCreatedRevisionName: created,
    latestReadyRevisionName: bad ? 'web-before' : created,
    conditions: [of('ConfigurationsReady'), of('Ready')],
  };
};

export function foreignContract({ contract, world: fresh }: ContractTools): void {
  for (const [kind, status] of [
    ['Rollout', argo],
    ['KnativeService', knative],
  ] as const) {
    contract(
      `a ${kind} is listed, gets one image and nothing else, and goes back when its controller says so`,
      async () => {
        const world = await fresh();
        const played = await play(world, kind, status);
        try {
          const { workload, get } = played;
          assert.deepEqual([workload.kind, workload.containers.length], [kind, 2]);
          const before = (await get()).spec.template.spec.containers;
          kindOf(await ask(world, workload, TWO, { tag: 'production' }), 'rolledout');
          const { metadata, spec } = await get();
          assert.deepEqual(spec.template.spec.containers, [{ ...before[0], image: TWO.image }, before[1]]);
          assert.equal(metadata.annotations['io.heraklit.tag'], 'production');
          assert.equal(metadata.annotations['io.heraklit.rollout'], undefined);
          const outcome = await ask(world, await world.listed(), CRASH, {});
          kindOf(outcome, 'rolledback', 'image');
          assert.match('reason' in outcome ? outcome.reason : '', kind === 'Rollout' ? /Metric "errors"/ : /exit 1/);
          assert.equal(imageIn(await get()), TWO.image);
        } finally {
          await played.stop();
        }
      },
      kind,
    );
  }

  contract(
    'the strategy of a Rollout is its own: ours is refused unless it is of the same name',
    async () => {
      const world = await fresh();
      const played = await play(world, 'Rollout', argo);
      const refused = code('KUBERNETES_STRATEGY_NOT_APPLICABLE');
      await assert.rejects(ask(world, played.workload, TWO, { strategy: { kind: 'blueGreen' } }), refused);
      const control = controlOf();
      kindOf(await ask(world, played.workload, TWO, { strategy: weights(10), control }), 'rolledout');
      assert.deepEqual(control.steps, []);
      await played.stop();
    },
    'Rollout',
  );
}
