import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { fitsDay, parseCron } from './cron.ts';
import { parseFleet } from './load.ts';

const HEAD = 'apiVersion: heraklit/v1\nkind: Fleet\nimages: []\n';

function problemsOf(yaml: string): string {
  try {
    parseFleet(HEAD + yaml, 'heraklit.yaml');
  } catch (error) {
    if (isHeraklitError(error, 'RECIPE_INVALID')) return error.message;
    throw error;
  }
  return '';
}

test('stages, windows and zones as the documentation shows them are taken', () => {
  const text = `
rollout:
  strategy: { canary: { steps: [{ weight: 5, pause: 300 }, { weight: 50, pause: until-resumed }], traffic: { gateway: web } } }
  batch: 2
  emergency: critical
  approvers: [alice, group:release]
  windows:
    - { days: [mon, tue], from: '22:00', to: '04:00', timeZone: Europe/Berlin }
    - { cron: '30 9 * * mon-fri', duration: 7200 }
  stages:
    - { name: test, clusters: ['test-*'], soak: 600 }
    - { name: production, zone: outside, approval: true, tag: '' }
zones:
  - { name: inside, clusters: [test-1], to: [outside] }
  - name: outside
    namespaces: [prod/shop]
    registry: { endpoint: 'registry.example.org:5000/outside', username: heraklit, passwordFile: secret }
`;
  assert.equal(problemsOf(text), '');
});

test('what cannot be is told with its line', () => {
  const cases: readonly (readonly [yaml: string, said: RegExp])[] = [
    [
      'zones:\n  - { name: a, clusters: [x], to: [b] }\n  - { name: b, clusters: [y], to: [a] }',
      /:5:\d+: zones\[0\]\.to\[0\]: images would go in a circle: a → b → a/,
    ],
    ['zones:\n  - { name: a, clusters: [x], to: [a] }', /circle: a → a/],
    ['zones:\n  - { name: a, clusters: [x], to: [c] }', /there is no zone c/],
    [
      'zones:\n  - { name: a, clusters: [x] }\n  - { name: b, clusters: [x] }',
      /:6:\d+: zones\[1\]\.clusters\[0\]: x is in the zone a too/,
    ],
    ['zones:\n  - { name: a, git: [deploy] }', /rollout\.git has no repository deploy/],
    ['zones:\n  - { name: a }', /what belongs to it/],
    ['zones:\n  - { name: a, hosts: [podman] }\n  - { name: a, hosts: [docker] }', /a stands twice/],
    ['zones:\n  - { name: a, hosts: [podman], registry: { endpoint: r, passwordFile: f } }', /"username" is missing/],
    ['rollout: { stages: [{ name: a }] }', /which workloads it takes/],
    ['rollout: { stages: [{ name: a, zone: z }] }', /there is no zone z/],
    ['rollout: { stages: [{ name: a, clusters: [x] }, { name: a, clusters: [y] }] }', /a stands twice/],
    [
      'rollout: { stages: [{ name: a, clusters: [x] }, { name: b, tag: a, clusters: [y] }] }',
      /moves the tag a already/,
    ],
    ['rollout: { stages: [{ name: a, tag: latest, clusters: [x] }] }', /released under/],
    ['rollout: { windows: [{ timeZone: UTC }] }', /one of "days", "from", "to" and "cron"/],
    ["rollout: { windows: [{ from: '8:00' }] }", /expected HH:MM/],
    ["rollout: { windows: [{ from: '08:00', to: '08:00' }] }", /ends as it begins/],
    ["rollout: { windows: [{ cron: '61 * * * *', duration: 60 }] }", /expected five fields/],
    ["rollout: { windows: [{ cron: '0 9 * * *' }] }", /how long it lasts/],
    ["rollout: { windows: [{ cron: '0 9 * * *', duration: 60, from: '09:00' }] }", /goes with "duration"/],
    ['rollout: { windows: [{ days: [mon], duration: 60 }] }', /only a window with "cron"/],
    ['rollout: { windows: [{ days: [mon], timeZone: Europe/Atlantis }] }', /no time zone "Europe\/Atlantis"/],
    [
      'rollout: { strategy: { canary: { steps: [{ weight: 50 }, { weight: 20 }] } } }',
      /weights ascend: expected more than 50/,
    ],
  ];
  for (const [yaml, said] of cases) assert.match(problemsOf(yaml), said, yaml);
});

test('cron lines mean what crontab(5) says', () => {
  const lines = ['* * * * *', '*/15 9-17 * * 1-5', '0 0 1,15 jan,dec *', '5/20 * * * SUN'];
  for (const line of lines) assert.ok(parseCron(line), line);
  for (const line of [
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '5-3 * * * *',
    '*/0 * * * *',
    'a * * * *',
  ])
    assert.equal(parseCron(line), undefined, line);
  const every = parseCron('*/15 9 * * *');
  assert.deepEqual([...(every?.minutes ?? [])], [0, 15, 30, 45]);
  // Both days named: either counts. The 13th that is no Friday, and a Friday that is no 13th.
  const friday = parseCron('0 0 13 * fri');
  assert.ok(friday && fitsDay(friday, { month: 5, day: 13 }, 1) && fitsDay(friday, { month: 5, day: 14 }, 5));
  const monday = parseCron('0 0 * * 7');
  assert.ok(monday && fitsDay(monday, { month: 1, day: 1 }, 0) && !fitsDay(monday, { month: 1, day: 1 }, 1));
});
