/** The API server ends, forgets, and refuses tokens in the middle of what we do: on a real control plane of our own alone. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../src/base/index.ts';
import { createKubernetesRuntime, type ObservedWorkload, openClusterInventory } from '../../src/runtime/index.ts';
import { ask, kindOf, weights } from '../contract/kubernetes/ask.ts';
import { controlOf, ONE, TWO, World } from '../contract/kubernetes/world.ts';
import { eventually } from '../support/cluster.ts';
import { findBinaries } from '../support/control-plane/binaries.ts';
import { kubeconfigOf } from '../support/control-plane/programs.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

/** Milliseconds without an API server: several looks, and tries of one call. */
const AWAY = 1_500;
const PATIENT = { timeout: 300_000 };

describe('a control plane that goes away', () => {
  let plane: ControlPlane;
  let skip: string | undefined;
  let number = 0;
  const worlds: World[] = [];

  before(async () => {
    const binaries = await findBinaries();
    if (typeof binaries === 'string') skip = `KUBECONFIG not set, and ${binaries}`;
    else plane = await startControlPlane(binaries);
  });
  after(async () => {
    for (const { runtime } of worlds) await runtime.close();
    await plane?.close();
  });

  async function fresh(): Promise<World> {
    number += 1;
    const namespace = `away-${number}`;
    const { kubeconfig, api } = plane;
    const world = new World({ kubeconfig, call: api.call, install: undefined, close: async () => {} }, namespace);
    await world.must('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    worlds.push(world);
    return world;
  }

  /** etcd forgets all but the newest state, and the API server its cache: whoever goes on from before has to list again. */
  async function awayFor(milliseconds: number): Promise<void> {
    const { store } = plane.programs;
    await plane.programs.kill('kube-apiserver');
    const revision = await (
      await fetch(`${store}/v3/kv/range`, { method: 'POST', body: JSON.stringify({ key: 'AA==' }) })
    ).json();
    const asked = { revision: (revision as { header: { revision: string } }).header.revision, physical: true };
    const compacted = await fetch(`${store}/v3/kv/compaction`, { method: 'POST', body: JSON.stringify(asked) });
    // Compacted to the same revision by somebody else is as good.
    assert.ok(compacted.status === 200 || compacted.status === 400, String(compacted.status));
    await sleep(milliseconds);
    await plane.revive('kube-apiserver');
  }

  test('a canary goes on where it was', PATIENT, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    const world = await fresh();
    const workload = await world.workload();
    const control = controlOf(
      async () => {
        await awayFor(AWAY);
        return undefined;
      },
      async () => undefined,
    );
    kindOf(await ask(world, workload, TWO, { strategy: weights(20, 50), control, deadline: 120_000 }), 'rolledout');
    assert.deepEqual(
      control.steps.map(({ index }) => index),
      [0, 1],
    );
    assert.deepEqual([await world.imageOf(), await world.leftovers()], [TWO.image, []]);
  });

  test('so does one whose last step is under way', PATIENT, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    const world = await fresh();
    const workload = await world.workload();
    const rolling = ask(world, workload, TWO, { strategy: weights(50), deadline: 120_000 });
    await eventually(
      () => world.imageOf(),
      (image) => image === TWO.image,
      120_000,
    );
    await awayFor(AWAY);
    kindOf(await rolling, 'rolledout');
    assert.deepEqual(await world.leftovers(), []);
  });

  test('blue-green: after the switch, forwards and back', PATIENT, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    for (const back of [false, true]) {
      const world = await fresh();
      const workload = await world.workload();
      await world.service();
      const control = controlOf(
        async () => undefined,
        async () => {
          await awayFor(AWAY);
          return back ? { kind: 'back', reason: 'errors', blame: 'image' } : undefined;
        },
      );
      const strategy = { kind: 'blueGreen', keep: 500 } as const;
      const outcome = await ask(world, workload, TWO, { strategy, control, deadline: 120_000 });
      kindOf(outcome, back ? 'rolledback' : 'rolledout');
      const { spec } = await world.must('GET', `/api/v1/namespaces/${world.namespace}/services/web`);
      assert.deepEqual(
        [spec.selector, await world.imageOf(), await world.leftovers()],
        [{ app: 'web' }, back ? ONE.image : TWO.image, []],
      );
    }
  });

  test('away for longer than the deadline: said so, and the next call goes on', PATIENT, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    const world = await fresh();
    const workload = await world.workload();
    const control = controlOf(async () => {
      await plane.programs.kill('kube-apiserver');
      return await new Promise<never>(() => {});
    });
    await assert.rejects(
      ask(world, workload, TWO, { strategy: weights(50), control, deadline: 3_000 }),
      (error) => isHeraklitError(error, 'KUBERNETES_UNAVAILABLE') && error.hint !== undefined,
    );
    await plane.revive('kube-apiserver');
    assert.equal((await world.pods('io.heraklit.role=canary')).length, 3);
    const next = controlOf();
    const again = { strategy: weights(50), control: next, deadline: 120_000 };
    kindOf(await ask(world, await world.listed(), TWO, again), 'rolledout');
    assert.deepEqual([next.steps.length, await world.leftovers()], [1, []]);
  });

  test('a watch over the cluster knows what happened meanwhile', PATIENT, async (context) => {
    if (skip !== undefined) return context.skip(skip);
    const world = await fresh();
    await world.workload('Deployment', { name: 'before' });
    await world.workload('Deployment', { name: 'going' });
    const inventory = await openClusterInventory({
      kubeconfig: plane.kubeconfig,
      name: 'c',
      namespaces: [world.namespace],
      pace: { gather: 20, retry: 50, longest: 500 },
    });
    const stop = new AbortController();
    const known = new Map<string, ObservedWorkload>();
    const watching = (async () => {
      for await (const { changed, gone } of inventory.watch(stop.signal)) {
        for (const one of changed) known.set(one.id, one);
        for (const id of gone) known.delete(id);
      }
    })();
    const id = (name: string): string => `kubernetes:c/${world.namespace}/Deployment/${name}`;
    const seen = async (name: string, has = true) =>
      await eventually(
        async () => known.has(id(name)),
        (is) => is === has,
        120_000,
      );
    await seen('going');
    await awayFor(AWAY);
    await world.must('DELETE', `/apis/apps/v1/namespaces/${world.namespace}/deployments/going`);
    await world.workload('Deployment', { name: 'after' });
    await seen('after');
    await seen('going', false);
    await seen('before');
    stop.abort();
    await watching;
    inventory.close();
  });

  /** As the API server itself issues them, for so many seconds: it would not give out one for less than ten minutes. */
  async function tokenOf(namespace: string, seconds: number): Promise<string> {
    const account = await world(namespace).must('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
    const key = createPrivateKey(await readFile(plane.programs.accountKey));
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    const header = { alg: 'RS256', kid: createHash('sha256').update(spki).digest('base64url') };
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      aud: [plane.server],
      exp: now + seconds,
      iat: now,
      iss: plane.server,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name: 'default', uid: account.metadata.uid } },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:default`,
    };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part(header)}.${part(claims)}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  }
  const world = (namespace: string): World => worlds.find((one) => one.namespace === namespace) as World;

  test(
    'a token that expires while a step is held: waited for, then said; a new one goes on',
    PATIENT,
    async (context) => {
      if (skip !== undefined) return context.skip(skip);
      const admin = await fresh();
      const { namespace } = admin;
      const workload = await admin.workload();
      await admin.must('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
      });
      const { clusters } = JSON.parse(await readFile(plane.kubeconfig, 'utf8'));
      const authority = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64');
      const folder = join(plane.kubeconfig, '..');
      const tokenFile = join(folder, `${namespace}.token`);
      const kubeconfig = join(folder, `${namespace}.kubeconfig`);
      await writeFile(kubeconfig, kubeconfigOf(plane.server, authority, { tokenFile }));
      const runtime = createKubernetesRuntime({
        kubeconfig,
        namespaces: [namespace],
        pace: { look: 50, drain: 50, renew: 500 },
      });
      const request = { workload, ...TWO, strategy: weights(20, 50) };
      // Renewed in time by whoever renews it: nobody notices.
      await writeFile(tokenFile, await tokenOf(namespace, 20));
      const renewed = controlOf(async () => {
        await sleep(15_000);
        await writeFile(tokenFile, await tokenOf(namespace, 600));
        // Past what the API server remembers of the first one (10 s).
        await sleep(20_000);
        return undefined;
      });
      kindOf(await runtime.rollout({ ...request, deadline: 60_000, control: renewed }), 'rolledout');
      await runtime.close();
      // Not renewed.
      const second = createKubernetesRuntime({ kubeconfig, namespaces: [namespace], pace: { look: 50, renew: 500 } });
      await writeFile(tokenFile, await tokenOf(namespace, 20));
      const held = controlOf(async () => await new Promise<never>(() => {}));
      await assert.rejects(
        second.rollout({ ...request, ...ONE, deadline: 5_000, control: held }),
        (error) => isHeraklitError(error, 'KUBERNETES_LOGIN_REFUSED') && /expired/.test(error.hint ?? ''),
      );
      assert.equal(held.steps.length, 1);
      assert.equal((await admin.pods('io.heraklit.role=canary')).length, 1, 'it stays where it was');
      await writeFile(tokenFile, await tokenOf(namespace, 600));
      const next = controlOf();
      kindOf(await second.rollout({ ...request, ...ONE, deadline: 60_000, control: next }), 'rolledout');
      assert.deepEqual(
        next.steps.map(({ index }) => index),
        [0, 1],
      );
      assert.deepEqual([await admin.imageOf(), await admin.leftovers()], [ONE.image, []]);
      await second.close();
    },
  );
});
