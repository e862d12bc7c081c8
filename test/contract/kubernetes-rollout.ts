import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import {
  createKubernetesRuntime,
  type RolloutControl,
  type RolloutOutcome,
  type RolloutRequest,
  type RolloutStep,
  type StepVerdict,
  type Workload,
  type WorkloadRuntime,
} from '../../src/runtime/index.ts';
import type { ImageUnderTest } from './workload-runtime.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, read by tests
export type Live = any;

/** A cluster with our controllers or its own; pods tell what they do by the end of their image's repository. */
export interface ClusterUnderTest {
  readonly kubeconfig: string;
  readonly pace?: { readonly look?: number; readonly drain?: number; readonly renew?: number };
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: Live }>;
  close(): Promise<void>;
}

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const imageOf = (name: string, letter: string): ImageUnderTest => {
  const digest = digestOf(letter);
  return { image: `registry.example:5000/shop/${name}@${digest}`, digest };
};
export const ONE = imageOf('web', 'a');
export const TWO = imageOf('web', 'b');
const THREE = imageOf('web', 'f');
const CRASH = imageOf('web-crash', 'c');
const UNREADY = imageOf('web-unready', 'e');

export const deploymentPath = (namespace: string, name = 'web'): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

export interface DeploymentOptions {
  readonly name?: string;
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A Deployment with pods of two labels, a Service by one of them. */
export class World {
  readonly cluster: ClusterUnderTest;
  readonly namespace: string;
  readonly runtime: WorkloadRuntime;

  constructor(cluster: ClusterUnderTest, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
    const pace = { look: 50, drain: 50, renew: 500, ...cluster.pace };
    this.runtime = createKubernetesRuntime({ kubeconfig: cluster.kubeconfig, namespaces: [namespace], pace });
  }

  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<Live> {
    const answer = await this.cluster.call(method, path, body, contentType);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`);
    return answer.body;
  }

  async workload(kind = 'Deployment', { replicas = 3, name = 'web' }: DeploymentOptions = {}): Promise<Workload> {
    const labels = { app: name, tier: 'front' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: ONE.image }] } };
    const spec = {
      ...(kind === 'DaemonSet' ? {} : { replicas }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: labels },
      template,
    };
    const body = { apiVersion: 'apps/v1', kind, metadata: { name }, spec };
    await this.must('POST', `/apis/apps/v1/namespaces/${this.namespace}/${kind.toLowerCase()}s`, body);
    return await this.settled(name, kind);
  }

  /** Waits until the workload's own controller is done. */
  async settled(name = 'web', kind = 'Deployment'): Promise<Workload> {
    for (;;) {
      const {
        metadata,
        spec,
        status = {},
      } = await this.must('GET', `/apis/apps/v1/namespaces/${this.namespace}/${kind.toLowerCase()}s/${name}`);
      const wanted = spec.replicas ?? status.desiredNumberScheduled ?? 1;
      const ready = status.readyReplicas ?? status.numberReady ?? status.numberAvailable ?? 0;
      if (status.observedGeneration === metadata.generation && ready >= wanted && wanted > 0) break;
      await sleep(30);
    }
    return await this.listed(name);
  }

  async listed(name = 'web'): Promise<Workload> {
    const found = (await this.runtime.list()).find((one) => one.name === name);
    assert.ok(found, `${name} is listed`);
    return found;
  }

  async service(name = 'web', selector: object = { app: 'web' }): Promise<void> {
    const spec = { selector, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
    await this.must('POST', `/api/v1/namespaces/${this.namespace}/services`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec,
    });
  }

  async get(name = 'web'): Promise<Live> {
    return await this.must('GET', deploymentPath(this.namespace, name));
  }

  async imageOf(name = 'web'): Promise<string> {
    return (await this.get(name)).spec.template.spec.containers[0].image;
  }

  /** Everything of ours that stands beside workloads. */
  async leftovers(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const path of ['/apis/apps/v1/namespaces/NS/deployments', '/api/v1/namespaces/NS/services']) {
      const { items } = await this.must('GET', path.replace('NS', this.namespace));
      for (const { metadata } of items) {
        if (metadata.labels?.['io.heraklit.role'] !== undefined) found.push(metadata.name);
        if (metadata.annotations?.['io.heraklit.rollout'] !== undefined) found.push(`${metadata.name}: claim`);
      }
    }
    return found;
  }

  async pods(selector: string): Promise<Live[]> {
    const path = `/api/v1/namespaces/${this.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
    const { items } = await this.must('GET', path);
    return items.filter(({ metadata }: Live) => metadata.deletionTimestamp === undefined);
  }

  /** As an operator does: whoever held the image before, it is theirs now. */
  async operatorSets(image: string, name = 'web'): Promise<void> {
    const steps = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }];
    await this.must(
      'PATCH',
      `${deploymentPath(this.namespace, name)}?fieldManager=kubectl-set`,
      steps,
      'application/json-patch+json',
    );
  }
}

/** A control that answers steps by these functions, in order, and `go` after the last. */
export function controlOf(
  ...answers: readonly ((step: RolloutStep, signal: AbortSignal | undefined) => Promise<StepVerdict | undefined>)[]
): RolloutControl & { readonly steps: readonly RolloutStep[] } {
  const steps: RolloutStep[] = [];
  return {
    steps,
    stepReached: async (step, signal) => {
      steps.push(step);
      return (await answers[steps.length - 1]?.(step, signal)) ?? { kind: 'go' };
    },
    revoked: async () => undefined,
  };
}

/** Holds until the call is ended. */
export const forever = async (_: RolloutStep, signal: AbortSignal | undefined): Promise<never> =>
  await new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('ended')), { once: true });
  });

const steps = (...weights: readonly number[]) =>
  ({ kind: 'canary', steps: weights.map((weight) => ({ weight })) }) as const;

export interface ContractTools {
  /** A namespace of its own. */
  world(): Promise<World>;
  readonly contract: (name: string, body: () => Promise<void>) => void;
}

/** Opens the cluster before the tests and gives each test a namespace; skips where there is none. */
export function onCluster(
  title: string,
  setup: () => Promise<ClusterUnderTest | { readonly skip: string }>,
  body: (tools: ContractTools) => void,
): void {
  describe(title, () => {
    let cluster: ClusterUnderTest;
    let skip: string | undefined;
    let number = 0;
    const worlds: World[] = [];
    before(async () => {
      const made = await setup();
      if ('skip' in made) skip = made.skip;
      else cluster = made;
    });
    after(async () => {
      for (const { runtime } of worlds) await runtime.close();
      await cluster?.close();
    });
    body({
      world: async () => {
        number += 1;
        const name = `rollout-${process.pid}-${number}-${title.length}`;
        const answer = await cluster.call('POST', '/api/v1/namespaces', {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name },
        });
        assert.ok(answer.status < 300, JSON.stringify(answer.body));
        const world = new World(cluster, name);
        worlds.push(world);
        return world;
      },
      contract: (name, run) => {
        test(name, { timeout: 180_000 }, async (context) => {
          if (skip === undefined) await run();
          else context.skip(skip);
        });
      },
    });
  });
}

const DEADLINE = 60_000;
const ask = (
  world: World,
  workload: Workload,
  to: ImageUnderTest,
  more: Partial<RolloutRequest>,
): Promise<RolloutOutcome> => world.runtime.rollout({ workload, ...to, deadline: DEADLINE, ...more });

const kindOf = (outcome: RolloutOutcome, kind: RolloutOutcome['kind'], blame?: string): void => {
  assert.equal(outcome.kind, kind, JSON.stringify(outcome));
  if (blame !== undefined) assert.equal('blame' in outcome ? outcome.blame : '', blame, JSON.stringify(outcome));
};
const code = (wanted: string) => (error: unknown) =>
  isHeraklitError(error, wanted) || assert.fail(`not ${wanted}: ${String(error)}`);

/** What a rollout promises on Kubernetes, beyond what every runtime does. */
export function kubernetesRolloutContract(
  title: string,
  setup: () => Promise<ClusterUnderTest | { readonly skip: string }>,
): void {
  onCluster(`${title}: canary`, setup, ({ contract, world: fresh }) => {
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
      const outcome = await ask(world, workload, TWO, { strategy: steps(20, 50), control });
      kindOf(outcome, 'rolledout');
      assert.deepEqual(seen, [
        { weight: 20, before: 4, after: 1, image: ONE.image, replicas: 4 },
        { weight: 50, before: 4, after: 4, image: ONE.image, replicas: 4 },
      ]);
      assert.deepEqual([await world.imageOf(), (await world.get()).spec.replicas], [TWO.image, 4]);
      assert.deepEqual(await world.leftovers(), []);
      assert.equal((await world.listed()).digest, TWO.digest);
      kindOf(await ask(world, await world.listed(), TWO, { strategy: steps(20) }), 'unchanged');
    });

    contract('a crashing candidate never touches the workload and is found before the deadline', async () => {
      const world = await fresh();
      const workload = await world.workload();
      const { generation } = (await world.get()).metadata;
      const control = controlOf();
      const outcome = await ask(world, workload, CRASH, { strategy: steps(25), control, deadline: 150_000 });
      kindOf(outcome, 'rolledback', 'image');
      assert.match('reason' in outcome ? outcome.reason : '', /CrashLoopBackOff, 4 restarts/);
      assert.deepEqual(control.steps, []);
      assert.equal((await world.get()).metadata.generation, generation);
      assert.deepEqual(await world.leftovers(), []);
    });

    contract('taken back in the middle by whoever controls it, with their reason', async () => {
      const world = await fresh();
      const workload = await world.workload();
      const control = controlOf(async () => ({ kind: 'back', reason: 'more errors than before', blame: 'image' }));
      const outcome = await ask(world, workload, TWO, { strategy: steps(25, 50), control });
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
        strategy: steps(25),
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
          { workload, ...TWO, deadline: DEADLINE, strategy: steps(20, 50), control: first },
          ended.signal,
        ),
      );
      assert.equal((await world.pods('io.heraklit.role=canary')).length, 3);
      const second = controlOf();
      kindOf(await ask(world, await world.listed(), TWO, { strategy: steps(20, 50), control: second }), 'rolledout');
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
        world.runtime.rollout({ workload, ...TWO, deadline: DEADLINE, strategy: steps(50), control }, ended.signal),
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
      const outcome = await ask(world, workload, TWO, { strategy: steps(25), control });
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
        ask(world, workload, TWO, { strategy: steps(25), control }),
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
      kindOf(await ask(world, workload, TWO, { strategy: steps(25), control }), 'rolledout');
      assert.deepEqual(images, [['new', 'old', 'old', 'old']]);
      const { spec, metadata } = await world.must(
        'GET',
        `/apis/apps/v1/namespaces/${world.namespace}/statefulsets/web`,
      );
      assert.equal(spec.updateStrategy?.rollingUpdate?.partition ?? 0, 0);
      assert.equal(metadata.annotations['io.heraklit.rollout'], undefined);
    });

    contract('a StatefulSet taken back at a step runs what it ran, with the partition it had', async () => {
      const world = await fresh();
      const workload = await world.workload('StatefulSet', { replicas: 3 });
      const control = controlOf(async () => ({ kind: 'back', reason: 'slow', blame: 'image' }));
      kindOf(await ask(world, workload, TWO, { strategy: steps(30), control }), 'rolledback', 'image');
      const { spec } = await world.must('GET', `/apis/apps/v1/namespaces/${world.namespace}/statefulsets/web`);
      assert.equal(spec.updateStrategy?.rollingUpdate?.partition ?? 0, 0);
      assert.equal(spec.template.spec.containers[0].image, ONE.image);
    });
  });

  onCluster(`${title}: blue-green`, setup, ({ contract, world: fresh }) => {
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
      const { generation } = (await world.get()).metadata;
      const control = controlOf(
        async () => undefined,
        async () => ({ kind: 'back', reason: 'errors', blame: 'image' }),
      );
      const strategy = { kind: 'blueGreen', keep: 60_000 } as const;
      kindOf(await ask(world, workload, TWO, { strategy, control }), 'rolledback', 'image');
      assert.equal((await world.get()).metadata.generation, generation);
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
  });

  onCluster(`${title}: rolling`, setup, ({ contract, world: fresh }) => {
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
      await assert.rejects(ask(world, workload, TWO, { strategy: steps(25) }), code('KUBERNETES_ADMISSION_REFUSED'));
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
      await assert.rejects(ask(world, daemons, TWO, { strategy: steps(10) }), refused);
      await assert.rejects(ask(world, daemons, TWO, { strategy: { kind: 'blueGreen' } }), refused);
      const workload = await world.workload();
      const route = { kind: 'gateway', route: 'none' } as const;
      await assert.rejects(ask(world, workload, TWO, { strategy: { ...steps(10), traffic: route } }), refused);
      const taken = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web-canary-heraklit' } };
      const spec = { ...(await world.get()).spec, replicas: 0 };
      await world.must('POST', `/apis/apps/v1/namespaces/${world.namespace}/deployments`, { ...taken, spec });
      await assert.rejects(ask(world, workload, TWO, { strategy: steps(10) }), code('KUBERNETES_NAME_TAKEN'));
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
  });
}
