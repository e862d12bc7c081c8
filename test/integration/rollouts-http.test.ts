import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { createRemoteRollouts, databaseRollouts, type Rollout, type Rollouts } from '../../src/http/index.ts';
import { findOrBegin, planOfFleet } from '../../src/rollout/index.ts';
import { basicHeader, type GuardedServer, PASSWORD, startGuarded } from '../support/guarded-server.ts';

let guarded: GuardedServer;
let inner: Rollouts;
before(async () => {
  const rollouts: Rollouts = {
    list: (query) => inner.list(query),
    show: (id) => inner.show(id),
    act: (...said) => inner.act(...said),
    takeBack: (...said) => inner.takeBack(...said),
    promote: (...said) => inner.promote(...said),
    simulate: (...asked) => inner.simulate(...asked),
    findings: () => inner.findings(),
    runtimes: () => inner.runtimes(),
    quarantine: () => inner.quarantine(),
    lift: (...said) => inner.lift(...said),
  };
  guarded = await startGuarded({ http: { rollouts } });
  await guarded.admin.grant({ to: 'carol', role: 'view', on: '**' });
  inner = databaseRollouts({ database: guarded.database, catalogue: guarded.catalogue });
});
after(() => guarded.close());

const DIGEST = `sha256:${'2'.repeat(64)}` as const;
const begin = async (): Promise<number> => {
  const document = { rollout: { approvers: ['alice'], stages: [{ name: 'all', clusters: ['*'], approval: true }] } };
  const campaign = await findOrBegin(
    { database: guarded.database, runtimes: [] },
    {
      ...{ cause: 'release', name: 'web', fleet: 'shop', repository: 'web', tag: 'latest', digest: DIGEST },
      ...{ image: `registry.example/web@${DIGEST}`, previous: undefined, anyTime: false, carrier: 'loop' },
      plan: planOfFleet(document, 'web'),
    },
    'heraklit',
  );
  return campaign.id;
};
const ask = (path: string, who: string | undefined, body?: object) =>
  fetch(`${guarded.url}/api/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(who === undefined ? {} : basicHeader(who, PASSWORD)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

test('who may see rollouts may not steer them; who may change something does, and it is written down', async () => {
  const id = await begin();
  assert.equal((await ask('rollouts', undefined)).status, 401);
  const seen = (await (await ask('rollouts', 'carol')).json()) as { rollouts: readonly Rollout[] };
  assert.deepEqual(
    seen.rollouts.map((one) => [one.id, one.state]),
    [[id, 'waiting']],
  );
  for (const action of ['pause', 'resume', 'abort', 'approve', 'rollback']) {
    assert.equal((await ask(`rollouts/${id}/${action}`, 'carol', {})).status, 403, action);
  }
  assert.equal((await ask('quarantine', 'carol')).status, 200);
  assert.equal((await ask('quarantine/lift', 'carol', { digest: DIGEST })).status, 403);
  assert.equal((await ask('quarantine/lift', 'root', { digest: 'web' })).status, 400);
  assert.equal((await ask('promotions', 'carol', { image: 'web', to: 'all' })).status, 403);
  assert.equal((await ask(`rollouts/${id}/pause`, 'root', { reason: 'lunch' })).status, 200);
  const refused = await ask(`rollouts/${id}/approve`, 'root', {});
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'ROLLOUT_NOT_APPROVER');
  assert.equal((await ask(`rollouts/${id}/approve`, 'root', { stage: 1, surprise: true })).status, 400);
  assert.equal((await ask(`rollouts/0/pause`, 'root', {})).status, 400);
  const { entries } = await guarded.admin.audit({ action: 'rollout.pause' });
  assert.deepEqual(
    entries.map(({ actor, reference, detail }) => [actor, reference, detail]),
    [['root', String(id), 'lunch']],
  );
});

test('the owner of the home steers a server’s rollouts from the command line', async () => {
  const id = await begin();
  const remote = createRemoteRollouts(guarded.localUrl, 'the-owner');
  const { rollouts } = await remote.act(id, 'approve', { reason: 'fine' }, { name: 'owner', owner: true });
  assert.deepEqual(rollouts[0]?.stages[0]?.approvedBy, ['owner']);
  const { changes } = await remote.show(id);
  assert.equal(changes.at(-1)?.actor, 'owner');
  await assert.rejects(remote.act(9_999, 'abort', {}, { name: 'owner', owner: true }), (error) =>
    isHeraklitError(error, 'ROLLOUT_UNKNOWN'),
  );
  await assert.rejects(remote.simulate('web'), (error) => isHeraklitError(error, 'ROLLOUT_FLEET_NEEDED'));
  assert.deepEqual([await remote.findings(), await remote.quarantine()], [{ findings: [] }, { quarantined: [] }]);
  await assert.rejects(remote.lift(DIGEST, {}, { name: 'owner', owner: true }), (error) =>
    isHeraklitError(error, 'ROLLOUT_NOT_QUARANTINED'),
  );
});
