import assert from 'node:assert/strict';
import type { RolloutStep } from '../../../src/runtime/index.ts';
import { ask, code, kindOf, weights } from './ask.ts';
import { type ContractTools, controlOf, type Live, ONE, TWO, type World } from './world.ts';

const routes = (world: World): string => `/apis/gateway.networking.k8s.io/v1/namespaces/${world.namespace}/httproutes`;
const ingresses = (world: World): string => `/apis/networking.k8s.io/v1/namespaces/${world.namespace}/ingresses`;

const backends = async (world: World): Promise<object> =>
  Object.fromEntries(
    (await world.must('GET', `${routes(world)}/shop`)).spec.rules[0].backendRefs.map(({ name, weight }: Live) => [
      name,
      weight ?? 1,
    ]),
  );

async function route(world: World): Promise<void> {
  const backendRefs = [
    { kind: 'Service', name: 'web', port: 80, weight: 3 },
    { kind: 'Service', name: 'other', port: 80, weight: 1 },
  ];
  await world.must('POST', `${routes(world)}?fieldManager=helm`, {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'shop' },
    spec: { hostnames: ['shop.example'], rules: [{ backendRefs }] },
  });
}

/** As GitOps controllers apply: by the server, unforced, again and again. */
async function applyRoute(world: World): Promise<{ readonly status: number; readonly body: Live }> {
  const backendRefs = [
    { kind: 'Service', name: 'web', port: 80, weight: 3 },
    { kind: 'Service', name: 'other', port: 80, weight: 1 },
  ];
  return await world.cluster.call(
    'PATCH',
    `${routes(world)}/shop?fieldManager=flux`,
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'shop' },
      spec: { hostnames: ['shop.example'], rules: [{ backendRefs }] },
    },
    'application/apply-patch+yaml',
  );
}

const GATEWAY = { kind: 'gateway', route: 'shop' } as const;

export function trafficContract({ contract, world: fresh }: ContractTools): void {
  contract(
    'an HTTPRoute gives the copies their share and others keep theirs',
    async () => {
      const world = await fresh();
      const workload = await world.workload('Deployment', { replicas: 4 });
      await world.service();
      await route(world);
      const seen: object[] = [];
      const look = async (step: RolloutStep): Promise<undefined> => {
        const service = await world.must('GET', `/api/v1/namespaces/${world.namespace}/services/web-canary-heraklit`);
        const pods = await world.pods(
          Object.entries(service.spec.selector)
            .map(([k, v]) => `${k}=${v}`)
            .join(','),
        );
        assert.deepEqual(pods.map(({ metadata }) => metadata.name).sort(), [...step.after.members].sort());
        assert.equal((await world.pods('app=web')).length, 4, 'the Service of the old side does not reach the copies');
        seen.push({ weight: step.weight, copies: pods.length, backends: await backends(world) });
      };
      const strategy = { ...weights(5, 40), traffic: GATEWAY };
      kindOf(await ask(world, workload, TWO, { strategy, control: controlOf(look, look) }), 'rolledout');
      assert.deepEqual(seen, [
        { weight: 5, copies: 1, backends: { web: 285, 'web-canary-heraklit': 15, other: 100 } },
        { weight: 40, copies: 2, backends: { web: 180, 'web-canary-heraklit': 120, other: 100 } },
      ]);
      assert.deepEqual([await backends(world), await world.leftovers()], [{ web: 3, other: 1 }, []]);
      const { metadata } = await world.must('GET', `${routes(world)}/shop`);
      assert.ok(
        !(metadata.managedFields ?? []).some(({ manager }: Live) => manager === 'heraklit'),
        'the route is given back',
      );
    },
    'HTTPRoute',
  );

  contract(
    'whoever applies the HTTPRoute meets a conflict while it is split, and none before or after',
    async () => {
      const world = await fresh();
      const workload = await world.workload();
      await world.service();
      assert.equal((await applyRoute(world)).status, 201);
      let meanwhile: Awaited<ReturnType<typeof applyRoute>> | undefined;
      const control = controlOf(async () => {
        meanwhile = await applyRoute(world);
        return undefined;
      });
      kindOf(await ask(world, workload, TWO, { strategy: { ...weights(20), traffic: GATEWAY }, control }), 'rolledout');
      assert.equal(meanwhile?.status, 409);
      assert.match(meanwhile.body.message, /conflict with "heraklit"/);
      assert.match(meanwhile.body.details.causes[0].field, /^\.spec\.rules/);
      const again = await applyRoute(world);
      assert.equal(again.status, 200, JSON.stringify(again.body));
      assert.deepEqual(await backends(world), { web: 3, other: 1 });
    },
    'HTTPRoute',
  );

  contract(
    'back from an HTTPRoute: weights as they were, no copies',
    async () => {
      const world = await fresh();
      const workload = await world.workload();
      await world.service();
      await route(world);
      const control = controlOf(async () => ({ kind: 'back', reason: 'errors', blame: 'image' }));
      const strategy = { ...weights(20), traffic: GATEWAY };
      kindOf(await ask(world, workload, TWO, { strategy, control }), 'rolledback', 'image');
      assert.deepEqual(
        [await backends(world), await world.imageOf(), await world.leftovers()],
        [{ web: 3, other: 1 }, ONE.image, []],
      );
    },
    'HTTPRoute',
  );

  contract(
    'a label that a NetworkPolicy looks at is not changed; where it looks at all, the split is refused',
    async () => {
      const world = await fresh();
      const workload = await world.workload();
      await world.service('web', { app: 'web', tier: 'front' });
      await route(world);
      const policy = async (name: string, matchLabels: object): Promise<void> => {
        await world.must('POST', `/apis/networking.k8s.io/v1/namespaces/${world.namespace}/networkpolicies`, {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name },
          spec: { podSelector: { matchLabels }, policyTypes: ['Ingress'] },
        });
      };
      await policy('by-app', { app: 'web' });
      let labels: Live;
      const control = controlOf(async ({ after }) => {
        labels = (await world.pods(after.selector ?? ''))[0]?.metadata.labels;
        return undefined;
      });
      kindOf(await ask(world, workload, TWO, { strategy: { ...weights(20), traffic: GATEWAY }, control }), 'rolledout');
      assert.deepEqual([labels?.app, labels?.tier], ['web', 'front-canary']);
      await policy('by-tier', { tier: 'front' });
      const strategy = { ...weights(20), traffic: GATEWAY };
      await assert.rejects(
        ask(world, await world.listed(), ONE, { strategy }),
        code('KUBERNETES_STRATEGY_NOT_APPLICABLE'),
      );
    },
    'HTTPRoute',
  );

  contract('an Ingress of the NGINX controller gets a second one with a weight; others are refused', async () => {
    const world = await fresh();
    const workload = await world.workload();
    await world.service();
    const backend = { service: { name: 'web', port: { number: 80 } } };
    const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
    const ingress = async (name: string, ingressClassName: string): Promise<void> => {
      const spec = { ingressClassName, rules: [{ host: 'shop.example', http }] };
      await world.must('POST', ingresses(world), {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name },
        spec,
      });
    };
    await ingress('shop', 'nginx');
    await ingress('edge', 'traefik');
    const seen: unknown[] = [];
    const control = controlOf(async () => {
      const { metadata, spec } = await world.must('GET', `${ingresses(world)}/shop-canary-heraklit`);
      seen.push(metadata.annotations, spec.rules[0].http.paths[0].backend.service.name, spec.rules[0].host);
      return undefined;
    });
    const by = (name: string) => ({ ...weights(10), traffic: { kind: 'ingress', ingress: name } }) as const;
    await assert.rejects(
      ask(world, workload, TWO, { strategy: by('edge') }),
      code('KUBERNETES_STRATEGY_NOT_APPLICABLE'),
    );
    kindOf(await ask(world, workload, TWO, { strategy: by('shop'), control }), 'rolledout');
    const nginx = 'nginx.ingress.kubernetes.io';
    assert.deepEqual(seen, [
      { [`${nginx}/canary`]: 'true', [`${nginx}/canary-weight`]: '10' },
      'web-canary-heraklit',
      'shop.example',
    ]);
    const left = (await world.must('GET', ingresses(world))).items.map(({ metadata }: Live) => metadata.name).sort();
    assert.deepEqual([left, await world.leftovers()], [['edge', 'shop'], []]);
  });
}
