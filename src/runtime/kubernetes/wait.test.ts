import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutRequest } from '../port.ts';
import type { KubernetesClient } from './client.ts';
import type { Follower } from './follower.ts';
import type { Pod, WorkloadObject } from './objects.ts';
import type { RolloutStatus } from './rollout-status.ts';
import type { Run } from './run.ts';
import { awaitHealth } from './wait.ts';

const IMAGE = 'registry.example/web@sha256:b';
const complete: RolloutStatus = { kind: 'complete' };
const coming: RolloutStatus = { kind: 'progressing', done: 0, total: 1, detail: '0 of 1 available' };

interface Played {
  readonly statuses: readonly RolloutStatus[];
  readonly restarts?: readonly number[];
  readonly deadline?: number;
  readonly spec?: object;
  readonly probed?: boolean;
  /** Of the workload at each look. */
  readonly generations?: readonly number[];
  /** Takes the generations that are assessed. */
  readonly seen?: (number | undefined)[];
}

/** Statuses one look after the other, the last one for ever. */
async function play({ statuses, generations = [1], seen, ...played }: Played) {
  const { restarts = [0], deadline = 20_000, spec = {}, probed = true } = played;
  const containers = [{ name: 'web', image: IMAGE, ...(probed ? { readinessProbe: {} } : {}) }];
  const object = { metadata: { name: 'web' }, spec: { ...spec, template: { spec: { containers } } } } as WorkloadObject;
  let looks = 0;
  let listed = 0;
  const pod = (): Pod => ({
    metadata: { name: 'web-1' },
    spec: { containers },
    status: {
      containerStatuses: [
        { name: 'web', ready: true, restartCount: restarts[Math.min(listed, restarts.length - 1)] ?? 0 },
      ],
    },
  });
  const client = {
    list: async () => {
      const found = [pod()];
      listed += 1;
      return found;
    },
  } as unknown as KubernetesClient;
  const run: Run = {
    client,
    namespace: 'shop',
    signal: undefined,
    kind: 'Deployment',
    name: 'web',
    container: 'web',
    request: { deadline } as RolloutRequest,
    pace: { look: 1, drain: 1, renew: 1_000_000 },
    claim: { every: 1_000_000 } as Run['claim'],
  };
  const follower = {
    get latest() {
      const generation = generations[Math.min(looks, generations.length - 1)];
      return { ...object, metadata: { ...object.metadata, generation } };
    },
    away: 0,
    next: async () => await new Promise((resolve) => setTimeout(resolve, 2)),
  } as unknown as Follower;
  const verdict = await awaitHealth(run, follower, {
    image: IMAGE,
    candidate: IMAGE,
    pods: 'app=web',
    obey: false,
    assess: async ({ metadata }) => {
      looks += 1;
      seen?.push(metadata.generation);
      return statuses[Math.min(looks, statuses.length) - 1] as RolloutStatus;
    },
  });
  return { verdict, looks };
}

test('healthy is what stays healthy at a second look', async () => {
  assert.deepEqual(await play({ statuses: [coming, complete] }), { verdict: { kind: 'healthy' }, looks: 3 });
});

test('copies that nothing probes are looked at for longer: they seem ready until their node has seen that they ended', async () => {
  assert.equal((await play({ statuses: [coming, complete], probed: false })).looks, 7);
  const statuses = [complete, complete, coming, complete, complete, coming, complete, coming];
  const { verdict } = await play({ statuses, probed: false });
  assert.ok(verdict.kind === 'failed' && verdict.blame === 'image', JSON.stringify(verdict));
});

test('a cluster that waits for minReadySeconds has looked already', async () => {
  const played = await play({ statuses: [coming, complete], spec: { minReadySeconds: 5 } });
  assert.deepEqual(played, { verdict: { kind: 'healthy' }, looks: 2 });
});

test('a probe that flaps is found out', async () => {
  const statuses = [complete, coming, complete, coming, complete, coming];
  const { verdict } = await play({ statuses });
  assert.ok(verdict.kind === 'failed' && verdict.blame === 'image', JSON.stringify(verdict));
  assert.match(verdict.reason, /ready and unready again 3 times/);
});

test('a state that the controller has not seen yet is no flapping, and no beginning anew', async () => {
  const unseen: RolloutStatus = { ...(coming as RolloutStatus & { kind: 'progressing' }), unseen: true };
  const statuses = [unseen, complete, unseen, unseen, unseen, unseen, complete];
  assert.deepEqual(await play({ statuses }), { verdict: { kind: 'healthy' }, looks: 7 });
});

test('generations of annotations alone, as our signs of life are, need not be seen by the controller', async () => {
  const seen: (number | undefined)[] = [];
  const generations = [4, 5, 6, 7];
  const { verdict } = await play({ statuses: [coming, coming, coming, complete], generations, seen });
  assert.equal(verdict.kind, 'healthy');
  assert.deepEqual([...new Set(seen)], [4]);
});

test('a restart between two looks begins the looks anew', async () => {
  const { looks } = await play({ statuses: [complete], restarts: [0, 1, 1] });
  assert.equal(looks, 3);
});

test('no progress is the environment while nothing of the image has failed, the operator where it was paused', async () => {
  const { verdict } = await play({ statuses: [coming], deadline: 30 });
  assert.ok(verdict.kind === 'failed' && verdict.blame === 'environment', JSON.stringify(verdict));
  const paused = await play({ statuses: [coming], deadline: 30, spec: { paused: true } });
  assert.ok(paused.verdict.kind === 'failed' && paused.verdict.blame === 'operator', JSON.stringify(paused));
});

test('what is held on purpose has no deadline', async () => {
  const held: RolloutStatus = { ...(coming as RolloutStatus & { kind: 'progressing' }), held: true };
  const statuses = [...Array.from({ length: 40 }, () => held), complete];
  assert.equal((await play({ statuses, deadline: 30 })).verdict.kind, 'healthy');
});
