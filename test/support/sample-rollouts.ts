import { httpError, type Rollout, type RolloutHistory, type Rollouts } from '../../src/http/index.ts';

const at = (minutesAgo: number): string => new Date(Date.now() - minutesAgo * 60_000).toISOString();
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const slot = (workload: string, more: Partial<Rollout['workloads'][number]> = {}): Rollout['workloads'][number] => ({
  ...{ workload, container: 'app', previous: `registry.example.org/shop/web@${digest('1')}`, outcome: 'rolledout' },
  ...{
    reason: '',
    step: null,
    steps: null,
    weight: null,
    ready: 3,
    wanted: 3,
    started: at(9),
    finished: at(8),
    ...more,
  },
});

const stage = (name: string, more: Partial<Rollout['stages'][number]> = {}): Rollout['stages'][number] => ({
  ...{ name, tag: name, state: 'next', approval: false, approvalsNeeded: 0, approvedBy: [], approvals: [], ...more },
});

const rollout = (id: number, image: string, more: Partial<Rollout>): Rollout => ({
  ...{
    id,
    image,
    cause: 'release',
    reference: `registry.example.org/shop/${image}@${digest('2')}`,
    digest: digest('2'),
  },
  ...{ previous: digest('1'), state: 'running', interrupted: false, hold: null, reason: '', until: null, stages: [] },
  ...{ workloads: [], owner: null, started: at(10), updated: at(1), finished: null, ...more },
});

export interface SampleRollouts extends Rollouts {
  readonly said: string[];
  all: readonly Rollout[];
  broken: boolean;
}

/** Rollouts in every state that a page has to show; what is said to them changes them. */
export function sampleRollouts(): SampleRollouts {
  const history = (one: Rollout): RolloutHistory => ({
    rollout: one,
    changes: [
      { at: one.started, actor: 'heraklit', state: 'waiting', stage: 'test', reason: '' },
      { at: one.updated, actor: 'alice', state: one.state, stage: 'production', reason: one.reason },
    ],
    measurements: [],
  });
  const page = (rollouts: readonly Rollout[]) => ({ rollouts, next: null });
  const find = (id: number): Rollout => {
    const found = sample.all.find((one) => one.id === id);
    if (found === undefined) throw httpError('HTTP_NOT_FOUND', `there is no rollout ${id}`);
    return found;
  };
  const sample: SampleRollouts = {
    said: [],
    broken: false,
    all: [
      rollout(7, 'shop-web', {
        owner: 'node-1',
        stages: [
          stage('test', { state: 'done' }),
          stage('production', {
            ...{ state: 'current', approval: true, approvalsNeeded: 2, approvedBy: ['bob', 'carol'] },
            approvals: [
              { by: 'bob', as: 'group:release', at: at(5) },
              { by: 'carol', as: 'carol', at: at(4) },
            ],
          }),
        ],
        workloads: [
          slot('kubernetes:test/shop/Deployment/web'),
          slot('kubernetes:prod/shop/Deployment/web', {
            ...{ outcome: null, finished: null, step: 1, steps: 3, weight: 25, ready: 2, wanted: 4 },
          }),
        ],
      }),
      rollout(6, 'shop-api', {
        ...{ state: 'waiting', hold: 'approval', reason: 'production is to be approved by 2 people; so far bob' },
        stages: [
          stage('production', {
            ...{ state: 'current', approval: true, approvalsNeeded: 2, approvedBy: ['bob'] },
            approvals: [{ by: 'bob', as: 'group:release', at: at(5) }],
          }),
        ],
      }),
      rollout(5, 'billing', {
        ...{
          state: 'rolledback',
          reason: 'podman:billing: it ended with exit code 3',
          finished: at(30),
          started: at(60),
        },
        workloads: [
          slot('podman:billing', { outcome: 'rolledback', reason: 'it ended with exit code 3', ready: null }),
        ],
      }),
    ],
    async list({ all = false }: { readonly all?: boolean }) {
      if (sample.broken)
        throw httpError('HTTP_TOO_MANY_STREAMS', 'the database does not answer', { hint: 'Look at its log.' });
      return page(sample.all.filter(({ finished }) => all || finished === null));
    },
    show: async (id: number) => history(find(id)),
    async act(id, action, word, by) {
      sample.said.push(`${action} ${id} ${by.name} ${JSON.stringify(word)}`);
      if (action === 'approve') throw httpError('HTTP_FORBIDDEN', `${by.name} may not approve rollout ${id}`);
      const state = action === 'pause' ? 'paused' : action === 'abort' ? 'aborting' : 'running';
      const hold = action === 'pause' ? 'operator' : null;
      sample.all = sample.all.map((one) => (one.id === id ? { ...one, state, hold } : one));
      return page([find(id)]);
    },
    takeBack: async () => page([]),
    promote: async () => page([]),
    simulate: async (image: string) => ({
      ...{ image, digest: digest('2'), refused: null, stages: [], unstaged: [], missing: [] },
    }),
    findings: async () => ({
      findings: [
        {
          ...{
            rule: 'zone.violation',
            zone: 'outside',
            workload: 'kubernetes:prod/shop/Deployment/web',
            container: 'app',
          },
          ...{ image: 'registry.example.org/shop/web:1', digest: digest('1') },
          message: 'registry.example.org/shop/web:1 did not come to zone outside from a zone that may send to it',
        } as const,
      ],
    }),
    quarantine: async () => ({
      quarantined: [
        {
          ...{
            digest: digest('9'),
            image: 'registry.example.org/shop/billing',
            foundBy: 'podman:billing',
            since: at(30),
          },
          reason: 'it ended with exit code 3',
        },
      ],
    }),
    runtimes: async () => ({ runtimes: [] }),
    lift: async () => ({ quarantined: [] }),
  };
  return sample;
}
