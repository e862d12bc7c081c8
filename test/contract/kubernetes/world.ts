import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../../src/oci/index.ts';
import {
  createKubernetesRuntime,
  type RolloutControl,
  type RolloutStep,
  type StepVerdict,
  type Workload,
  type WorkloadRuntime,
} from '../../../src/runtime/index.ts';
import type { ImageUnderTest } from '../workload-runtime.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, read by tests
export type Live = any;

export type ExtensionKind = 'HTTPRoute' | 'Rollout' | 'KnativeService';

/** A cluster with our controllers or its own; pods tell what they do by the end of their image's repository. */
export interface ClusterUnderTest {
  readonly kubeconfig: string;
  readonly pace?: { readonly look?: number; readonly drain?: number; readonly renew?: number };
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<{ status: number; body: Live }>;
  /** The definition of an extension, where there is none; undefined where the server takes none. */
  readonly install: ((kind: ExtensionKind) => Promise<void>) | undefined;
  close(): Promise<void>;
}

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const imageOf = (name: string, letter: string): ImageUnderTest => {
  const digest = digestOf(letter);
  return { image: `registry.example:5000/shop/${name}@${digest}`, digest };
};
export const ONE = imageOf('web', 'a');
export const TWO = imageOf('web', 'b');
export const THREE = imageOf('web', 'f');
export const CRASH = imageOf('web-crash', 'c');
export const UNREADY = imageOf('web-unready', 'e');

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

export interface ContractTools {
  /** A namespace of its own. */
  world(): Promise<World>;
  /** With the definitions that it needs. */
  readonly contract: (name: string, body: () => Promise<void>, ...needs: readonly ExtensionKind[]) => void;
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
      contract: (name, run, ...needs) => {
        test(name, { timeout: 60_000 }, async (context) => {
          const lacking = needs.length > 0 && cluster?.install === undefined;
          if (skip !== undefined || lacking) return context.skip(skip ?? 'the API server takes no definitions');
          for (const kind of needs) await cluster.install?.(kind);
          await run();
        });
      },
    });
  });
}
