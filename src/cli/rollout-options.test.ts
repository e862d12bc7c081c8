import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import type { FleetRollout } from '../recipe/index.ts';
import { type StrategyOptions, strategySettings } from './rollout-options.ts';
import { commandPlan } from './rollout-plan.ts';

const settings = async (options: StrategyOptions): Promise<FleetRollout> => await strategySettings(options);

test('what the fleet file can say of a strategy, options can', async () => {
  assert.deepEqual(await settings({}), {});
  assert.deepEqual(await settings({ strategy: 'rolling' }), { strategy: 'rolling' });
  const canary = {
    steps: [
      { weight: 10, pause: 300 },
      { weight: 50, pause: 120 },
      { weight: 80.5, pause: 'until-resumed' },
    ],
  };
  const steps = '10:5m, 50,80.5:until-resumed';
  assert.deepEqual(await settings({ steps, pause: '2m', traffic: 'gateway:shop' }), {
    strategy: { canary: { ...canary, traffic: { gateway: 'shop' } } },
  });
  assert.deepEqual(await settings({ strategy: 'canary', steps: '5%', traffic: 'ingress:web' }), {
    strategy: { canary: { steps: [{ weight: 5 }], traffic: { ingress: 'web' } } },
  });
  assert.deepEqual(await settings({ strategy: 'blue-green', service: 'web', previewService: 'next', keep: '1h' }), {
    strategy: { blueGreen: { service: 'web', previewService: 'next', keep: 3_600 } },
  });
});

test('windows and measured numbers', async () => {
  const window = ['mon-wed,sat 09:00-16:00 Europe/Berlin', 'fri-mon', '22:00-02:00'];
  const healthHttp = ['https://apm.example/e?p={{side.members}}#/rate<=0.01', 'http://h.example:8080/up#>=1'];
  assert.deepEqual(await settings({ window, healthHttp }), {
    windows: [
      { days: ['mon', 'tue', 'wed', 'sat'], from: '09:00', to: '16:00', timeZone: 'Europe/Berlin' },
      { days: ['fri', 'sat', 'sun', 'mon'] },
      { from: '22:00', to: '02:00' },
    ],
    analysis: {
      metrics: [
        { name: '/e/rate', http: { url: 'https://apm.example/e?p={{side.members}}', pointer: '/rate' }, max: 0.01 },
        { name: '/up', http: { url: 'http://h.example:8080/up', pointer: '' }, min: 1 },
      ],
    },
  });
});

test('what cannot be is wrong use, and the message names no line of a file', async () => {
  const wrong: readonly StrategyOptions[] = [
    { strategy: 'canary' },
    { steps: '50,10' },
    { steps: '0' },
    { steps: '101' },
    { steps: '10:soon' },
    { steps: 'ten' },
    { steps: '10', pause: '0' },
    { steps: '10', pause: '1.5m' },
    { steps: '10', traffic: 'mesh:x' },
    { steps: '10', traffic: 'gateway:' },
    { strategy: 'rolling', steps: '10' },
    { strategy: 'canary', steps: '10', keep: '1m' },
    { keep: '1m' },
    { window: ['25:00-26:00'] },
    { window: ['09:00-09:00'] },
    { window: ['mon Europe/Nowhere'] },
    { window: [''] },
    { healthHttp: ['https://apm.example/e'] },
    { healthHttp: ['ftp://apm.example/e#/a<=1'] },
    { healthHttp: ['https://{{side.members}}.example/e#/a<=1'] },
  ];
  for (const options of wrong) {
    await assert.rejects(settings(options), (error) => {
      assert.ok(isHeraklitError(error, 'CLI_USAGE'), `${JSON.stringify(options)}: ${String(error)}`);
      assert.doesNotMatch(error.message, /command line/);
      return true;
    });
  }
});

test('a fleet file says the rest: stages, what is measured, what one workload has; options come first', async () => {
  const metrics = [{ name: 'up', http: { url: 'https://a.example', pointer: '', caFile: 'ca.pem' }, min: 1 }];
  const rollout: FleetRollout = {
    deadline: 60,
    strategy: { canary: { steps: [{ weight: 20 }] } },
    analysis: { metrics },
    stages: [{ name: 'test', clusters: ['test'] }],
    workloads: [
      {
        image: 'web',
        workload: 'a',
        strategy: 'rolling',
        analysis: { metrics: [{ name: 'r', restarts: true, max: 0 }] },
      },
      { image: 'other', workload: 'b' },
    ],
  };
  const fleet = { document: { rollout } as never, directory: '/fleet' };
  const ask = {
    ...{
      workloads: [],
      image: 'web',
      fleet,
      approval: false,
      deadline: undefined,
      batch: undefined,
      health: undefined,
    },
  };
  const plain = await commandPlan({ ...ask, settings: {} });
  assert.deepEqual(
    plain.workloads?.map(({ workload, strategy, analysis }) => [workload, strategy?.kind, analysis?.metrics[0]?.name]),
    [['a', 'rolling', 'r']],
  );
  assert.equal(plain.settings.analysis?.metrics[0]?.http?.caFile, '/fleet/ca.pem');
  assert.deepEqual([plain.settings.deadline, plain.stages[0]?.name, plain.strict], [60_000, 'test', true]);
  const window = [{ days: ['mon' as const] }];
  const over = await commandPlan({
    ...ask,
    ...{
      workloads: ['a', 'c'],
      settings: { strategy: 'rolling', windows: window },
      approval: true,
      deadline: 5,
      batch: 3,
    },
    health: { kind: 'running' },
  });
  assert.deepEqual(
    over.workloads?.map(({ workload, strategy, deadline }) => [workload, strategy, deadline]),
    [
      ['a', undefined, 5_000],
      ['c', undefined, undefined],
    ],
  );
  assert.deepEqual([over.settings.strategy, over.settings.deadline], [{ kind: 'rolling' }, 5_000]);
  assert.deepEqual(
    over.stages.map(({ windows, approval, batch }) => [windows, approval, batch]),
    [[window, true, 3]],
  );
  const bare = await commandPlan({ ...ask, fleet: undefined, workloads: ['a'], settings: {} });
  assert.deepEqual([bare.settings.deadline, bare.stages.length, bare.workloads], [300_000, 1, [{ workload: 'a' }]]);
});
