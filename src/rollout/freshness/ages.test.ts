import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RunningCopy, Workload } from '../../runtime/index.ts';
import { type AgePromises, agesOf, DAY, dueOf } from './ages.ts';

const NOW = Date.UTC(2030, 5, 1);
const HOUR = 3_600_000;
const workload = (name: string, namespace = 'shop'): Workload => ({
  id: `kubernetes:c/${namespace}/Deployment/${name}`,
  kind: 'Deployment',
  ...{ name, namespace, image: 'r/x:1', digest: undefined, containers: [], replicas: 2 },
});
const copy = (of: Workload, days: number): RunningCopy => ({
  workload: of.id,
  name: `${of.name}-${days}`,
  created: new Date(NOW - days * DAY),
});
const [WEB, API, DNS, IDLE] = [workload('web'), workload('api'), workload('dns', 'kube-system'), workload('idle')];
const ALL = [WEB, API, DNS, IDLE];
const COPIES = [copy(WEB, 1), copy(WEB, 31), copy(API, 20), copy(DNS, 400), copy(workload('gone'), 900)];
const ages = (promises: Partial<AgePromises>, copies: readonly RunningCopy[] = COPIES) =>
  agesOf(ALL, copies, { own: new Map(), ...promises }, NOW);
const states = (promises: Partial<AgePromises>) =>
  Object.fromEntries(ages(promises).map(({ workload: { name }, state }) => [name, state]));

test('the oldest copy counts, and the oldest workload comes first', () => {
  const found = ages({ maxAge: 30 });
  assert.deepEqual(
    found.map((one) => [one.workload.name, one.copies, one.oldest?.name, one.age / DAY]),
    [
      ['dns', 1, 'dns-400', 400],
      ['web', 2, 'web-31', 31],
      ['api', 1, 'api-20', 20],
      ['idle', 0, undefined, 0],
    ],
  );
});

test('promises: for all, for some, for none, and never unasked for the cluster itself', () => {
  assert.deepEqual(states({ maxAge: 30 }), { dns: 'unpromised', web: 'over', api: 'within', idle: 'within' });
  assert.deepEqual(
    states({
      maxAge: 30,
      own: new Map([
        [API.id, 7],
        [DNS.id, 500],
        [WEB.id, 0],
      ]),
    }),
    {
      ...{ dns: 'within', web: 'unpromised', api: 'over', idle: 'within' },
    },
  );
  assert.deepEqual(states({ maxAge: 30, only: new Set([API.id]) }), {
    ...{ dns: 'unpromised', web: 'unpromised', api: 'within', idle: 'unpromised' },
  });
  assert.deepEqual(states({}), { dns: 'unpromised', web: 'unpromised', api: 'unpromised', idle: 'unpromised' });
});

test('due is what would be over before the next look, the most urgent first', () => {
  const due = (maxAge: number, lead: number, copies: readonly RunningCopy[]) =>
    dueOf(ages({ maxAge }, copies), () => lead).map((one) => one.workload.name);
  assert.deepEqual(due(30, HOUR, [copy(WEB, 29.9), copy(API, 29.98)]), ['api']);
  assert.deepEqual(due(30, 3 * HOUR, [copy(WEB, 29.9), copy(API, 29.98)]), ['api', 'web']);
  assert.deepEqual(due(1, 48 * HOUR, [copy(WEB, 0.4), copy(API, 0.6)]), ['api'], 'not again and again');
  assert.deepEqual(due(30, HOUR, [{ ...copy(WEB, 0), created: new Date(NOW + DAY) }]), [], 'a clock ahead of ours');
});

test('what was renewed just now is not due', () => {
  const natural = fc.double({ min: 0.01, max: 1_000, noNaN: true });
  fc.assert(
    fc.property(natural, natural, (maxAge, lead) => {
      assert.deepEqual(
        dueOf(ages({ maxAge }, [copy(WEB, 0)]), () => lead * HOUR),
        [],
      );
    }),
  );
});
