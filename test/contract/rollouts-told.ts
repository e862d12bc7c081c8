/** What is told of rollouts, and what people say to them: the port of the API, over a database. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';
import { readEvents } from '../../src/events/index.ts';
import { databaseRollouts, type Rollouts } from '../../src/http/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { listQuarantine, quarantine } from '../../src/publish/index.ts';
import { createMemoryCatalogue, type RegistryCatalogue } from '../../src/registry/index.ts';
import {
  type CarryContext,
  carryCampaign,
  findOrBegin,
  keepRollouts,
  planOfFleet,
  surveyWorkloads,
} from '../../src/rollout/index.ts';
import { keepMeasurements } from '../../src/rollout/measurements.ts';
import { ScriptedRuntime, type ScriptedWorkload } from '../support/scripted-runtime.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [OLD, NEW] = [digestOf('1'), digestOf('2')];
const HOST = 'registry.example';
const MEDIA = 'application/vnd.oci.image.manifest.v1+json';

const onCluster = (cluster: string, name: string): ScriptedWorkload => ({
  ...{ id: `kubernetes:${cluster}/shop/Deployment/${name}`, name, namespace: 'shop', kind: 'Deployment' },
});
const WORKLOADS = [onCluster('test', 'a'), onCluster('prod', 'b'), onCluster('prod', 'c'), onCluster('lab', 'd')];
const ALICE = { name: 'alice', owner: false };
const OWNER = { name: 'owner', owner: true };

const DOCUMENT = {
  rollout: {
    strategy: { canary: { steps: [{ weight: 10, pause: 60 }] } },
    approvers: ['alice'],
    stages: [
      { name: 'test', clusters: ['test'], soak: 60 },
      {
        name: 'production',
        clusters: ['prod'],
        approval: true,
        batch: 2,
        windows: [{ cron: '0 0 30 2 *', duration: 60 }],
      },
    ],
  },
  zones: [
    { name: 'inside', clusters: ['test'], to: ['outside'] },
    { name: 'outside', clusters: ['prod'], registry: { endpoint: 'outside.example' } },
  ],
} as const;

export function rolloutsToldContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`rollouts as they are told: ${name}`, () => {
    let database: Database;
    let catalogue: RegistryCatalogue;
    let runtime: ScriptedRuntime;
    let rollouts: Rollouts;
    before(async () => {
      database = await open();
    });
    after(async () => {
      await database.close();
      await cleanup();
    });
    beforeEach(async () => {
      for (const table of [
        'rollout',
        'rollout_campaign',
        'zone_image',
        'quarantine',
        'workload',
        'fleet_image',
        'access_audit',
      ] as const) {
        await database.kysely.deleteFrom(table).execute();
      }
      runtime = new ScriptedRuntime('kubernetes', WORKLOADS, `${HOST}/shop/web@${OLD}`, OLD);
      catalogue = createMemoryCatalogue();
      for (const digest of [OLD, NEW]) {
        const descriptor = { mediaType: MEDIA, digest, size: 2 };
        await catalogue.publishMany([{ repository: 'shop/web', tag: 'latest', descriptor, blobs: [] }]);
      }
      await database.kysely
        .insertInto('fleet_image')
        .values({
          ...{ name: 'web', fleet: 'shop', repository: 'shop/web', tag: 'latest', digest: NEW, base_digest: null },
          ...{ recipe_digest: null, source: null, strategy: null, released: null, tried_input: null, tried: null },
        })
        .execute();
      rollouts = databaseRollouts({
        ...{ database, catalogue, registryHost: () => HOST },
        fleet: { name: 'shop', document: DOCUMENT },
      });
    });

    const context = (): CarryContext => ({ database, runtimes: [runtime], catalogue });
    const begin = async (settings: Parameters<typeof planOfFleet>[0] = {}) =>
      await findOrBegin(
        context(),
        {
          ...{ cause: 'release', name: 'web', fleet: 'shop', repository: 'shop/web', tag: 'latest', digest: NEW },
          ...{ image: `${HOST}/shop/web@${NEW}`, previous: OLD, anyTime: false, carrier: 'loop' },
          plan: planOfFleet(settings, 'web'),
        },
        'heraklit',
      );
    const carry = async (id: number) => await carryCampaign(context(), id);

    test('a simulation says all that would happen, in order, and touches nothing', async () => {
      await surveyWorkloads(context());
      const told = await rollouts.simulate('web');
      assert.equal(told.digest, NEW);
      const [first, second] = told.stages;
      assert.deepEqual(
        [first?.name, first?.tag, first?.soak, first?.window, first?.zones],
        [
          'test',
          'test',
          60,
          { open: true, until: null },
          [{ zone: 'inside', from: null, registry: null, refused: null }],
        ],
      );
      assert.deepEqual(second?.window, { open: false, until: null });
      assert.deepEqual(second?.zones, [
        { zone: 'outside', from: 'inside', registry: 'outside.example', refused: null },
      ]);
      assert.deepEqual(
        second?.workloads.map(({ workload, batch, strategy, to }) => [workload, batch, strategy, to]),
        ['b', 'c'].map((one) => [
          ...[`kubernetes:prod/shop/Deployment/${one}`, 1, 'canary 10 % (60 s), 100 %'],
          `outside.example/shop/web@${NEW}`,
        ]),
      );
      assert.deepEqual([told.unstaged, told.refused], [['kubernetes:lab/shop/Deployment/d'], null]);
      assert.deepEqual([runtime.log, (await rollouts.list({ all: true })).rollouts], [[], []]);
      await assert.rejects(rollouts.simulate('wep'), (error) => isHeraklitError(error, 'ROLLOUT_IMAGE_UNKNOWN'));
      const without = databaseRollouts({ database, catalogue });
      await assert.rejects(without.simulate('web'), (error) => isHeraklitError(error, 'ROLLOUT_FLEET_NEEDED'));
    });

    /** Told with the rollout that was going on when it was measured, and with no other. */
    const measureAfterwards = async (id: number): Promise<void> => {
      const { rollout } = await rollouts.show(id);
      const slot = rollout.workloads[0] as (typeof rollout.workloads)[number];
      const since = new Date(slot.started);
      const step = { workload: slot.workload, container: slot.container, digest: NEW, step: 0, since };
      const bad = { metric: 'errors', outcome: 'bad', detail: 'over 0.01' } as const;
      const measured = { ...bad, after: { kind: 'value', value: 0.2 }, before: { kind: 'value', value: 0 } } as const;
      const later = new Date(Date.now() + 60_000);
      await database.transaction((trx) => keepMeasurements(trx, step, [{ ...measured, at: since }]));
      await database.transaction((trx) => keepMeasurements(trx, step, [{ ...measured, at: later }]));
      const { measurements } = await rollouts.show(id);
      const place = { workload: slot.workload, container: slot.container, at: slot.started };
      assert.deepEqual(measurements, [{ ...bad, ...place, step: 1, value: 0.2, before: 0 }]);
    };

    test('what nobody carries on is interrupted; history says who did what; the audit log too', async () => {
      const { id } = await begin({ rollout: { stages: [{ name: 'all', clusters: ['*'], approval: true }] } });
      await carry(id);
      const { rollouts: waiting } = await rollouts.list({});
      assert.deepEqual([waiting[0]?.state, waiting[0]?.hold, waiting[0]?.interrupted], ['waiting', 'approval', false]);
      await rollouts.act(id, 'approve', { reason: 'looks fine' }, OWNER);
      await rollouts.act(id, 'pause', {}, ALICE);
      const { rollouts: resumed } = await rollouts.act(id, 'resume', {}, ALICE);
      assert.deepEqual([resumed[0]?.state, resumed[0]?.interrupted], ['running', true]);
      assert.deepEqual(resumed[0]?.stages[0]?.approvedBy, ['owner']);
      await carry(id);
      const { rollout, changes } = await rollouts.show(id);
      assert.deepEqual([rollout.state, rollout.workloads.length], ['rolledout', 4]);
      await measureAfterwards(id);
      const said = changes.map(({ actor, reason }) => `${actor}: ${reason}`);
      assert.ok(said.includes('owner: all approved by owner: looks fine'), said.join('\n'));
      const audit = await database.kysely
        .selectFrom('access_audit')
        .select(['actor', 'action'])
        .orderBy('id')
        .execute();
      assert.deepEqual(
        audit.map(({ actor, action }) => `${actor} ${action}`),
        ['owner rollout.approve', 'alice rollout.pause', 'alice rollout.resume'],
      );
      await assert.rejects(rollouts.act(id, 'pause', {}, ALICE), (error) => isHeraklitError(error, 'ROLLOUT_STATE'));
      const pages = await rollouts.list({ all: true, limit: 1 });
      assert.deepEqual((await rollouts.list({ all: true, after: pages.next ?? '' })).rollouts, []);
    });

    test('taken back and condemned: what ran before runs again, and its release goes', async () => {
      const { id } = await begin();
      await carry(id);
      const { rollouts: begun } = await rollouts.act(id, 'rollback', { quarantine: true, reason: 'slow' }, ALICE);
      const undone: (readonly unknown[])[] = [];
      await carryCampaign(
        { ...context(), undoRelease: async (one) => async () => void undone.push([one.digest, one.previous]) },
        begun[0]?.id ?? 0,
      );
      assert.deepEqual(
        [...runtime.running.values()].map(({ digest }) => digest),
        [OLD, OLD, OLD, OLD],
      );
      assert.deepEqual(undone, [[NEW, OLD]]);
      assert.deepEqual(
        (await listQuarantine(database.kysely)).map(({ digest, reason }) => [digest, reason]),
        [[NEW, 'slow']],
      );
      await assert.rejects(rollouts.takeBack('a', {}, ALICE), (error) =>
        isHeraklitError(error, 'ROLLOUT_DIGEST_QUARANTINED'),
      );
    });

    test('a quarantine is listed, lifted by a person, and told: event, audit log; what is none cannot be lifted', async () => {
      await database.transaction((trx) =>
        quarantine(trx, { digest: NEW, image: `${HOST}/shop/web@${NEW}`, reason: 'slow', foundBy: 'a' }),
      );
      await assert.rejects(begin(), (error) => {
        assert.ok(isHeraklitError(error, 'ROLLOUT_DIGEST_QUARANTINED'));
        assert.match(error.hint ?? '', new RegExp(`heraklit rollout quarantine lift ${NEW}`));
        return true;
      });
      const { quarantined } = await rollouts.quarantine();
      assert.deepEqual(
        quarantined.map(({ digest, reason, foundBy }) => [digest, reason, foundBy]),
        [[NEW, 'slow', 'a']],
      );
      const lifted = await rollouts.lift(NEW, { reason: 'the node was broken' }, ALICE);
      assert.deepEqual([lifted.quarantined, (await rollouts.quarantine()).quarantined], [quarantined, []]);
      const events = await readEvents(database.kysely, { after: 0, limit: 1_000 });
      const told = events.findLast(({ type }) => type === 'io.heraklit.image.unquarantined')?.data as object;
      const by = { actor: 'alice', reason: 'the node was broken', was: 'slow' };
      assert.deepEqual({ ...told, ...by }, told);
      const audit = await database.kysely.selectFrom('access_audit').select(['actor', 'action', 'reference']).execute();
      assert.deepEqual(audit, [{ actor: 'alice', action: 'rollout.lift', reference: NEW }]);
      await assert.rejects(rollouts.lift(NEW, {}, ALICE), (error) => isHeraklitError(error, 'ROLLOUT_NOT_QUARANTINED'));
      assert.equal((await begin()).digest, NEW, 'it may be rolled out again');
    });

    test('promotion moves the tag of a stage to the same digest, stage by stage, by who may', async () => {
      const plain = {
        ...DOCUMENT.rollout,
        strategy: 'rolling',
        stages: [DOCUMENT.rollout.stages[0], { name: 'production', clusters: ['prod'] }],
      } as const;
      const document = { rollout: plain };
      const own = databaseRollouts({
        database,
        catalogue,
        registryHost: () => HOST,
        fleet: { name: 'shop', document },
      });
      const refused = async (wanted: Parameters<Rollouts['promote']>[0], code: string, by = ALICE) =>
        await assert.rejects(own.promote(wanted, by), (error) => isHeraklitError(error, code), code);
      await refused({ image: 'web', to: 'space' }, 'ROLLOUT_STAGE_UNKNOWN');
      await refused({ image: 'wep', to: 'test' }, 'ROLLOUT_IMAGE_UNKNOWN');
      await refused({ image: 'web', to: 'production' }, 'ROLLOUT_STAGE_SKIPPED');
      await refused({ image: 'web', to: 'production', digest: NEW }, 'ROLLOUT_STAGE_SKIPPED');
      await refused({ image: 'web', to: 'test' }, 'ROLLOUT_NOT_APPROVER', { name: 'bob', owner: false });
      for (const to of ['test', 'production']) {
        const { rollouts: begun } = await own.promote({ image: 'web', to }, ALICE);
        await carry(begun[0]?.id ?? 0);
        assert.equal((await catalogue.resolve('shop/web', to))?.digest, NEW);
        assert.equal((await own.show(begun[0]?.id ?? 0)).rollout.state, 'rolledout');
      }
      assert.deepEqual(
        [...runtime.running.values()].map(({ digest }) => digest),
        [NEW, NEW, NEW, OLD],
      );
    });

    test('a bad image takes its stage tags back with it', async () => {
      const stages = [
        { name: 'test', clusters: ['test'] },
        { name: 'production', clusters: ['prod'] },
      ];
      const old = await catalogue.resolve('shop/web', OLD);
      assert.ok(old);
      await catalogue.publishMany([{ repository: 'shop/web', tag: 'production', descriptor: old, blobs: [] }]);
      const { id } = await begin({ rollout: { stages } });
      runtime.moment = (what) => {
        if (what === 'a rolledout') runtime.bad.add(NEW);
      };
      await carry(id);
      assert.equal((await rollouts.show(id)).rollout.state, 'rolledback');
      assert.equal((await catalogue.resolve('shop/web', 'production'))?.digest, OLD);
      assert.equal(await catalogue.resolve('shop/web', 'test'), undefined);
    });

    test('what came to a zone on no allowed way is a finding, as is what it pulls from elsewhere', async () => {
      await surveyWorkloads(context());
      const { findings } = await rollouts.findings();
      assert.deepEqual(
        findings.map(({ rule, workload }) => `${rule} ${workload.at(-1)}`),
        ['zone.violation b', 'zone.registry b', 'zone.violation c', 'zone.registry c'],
      );
      const { id } = await begin({ zones: DOCUMENT.zones });
      await carry(id);
      await surveyWorkloads(context());
      assert.deepEqual((await rollouts.findings()).findings, []);
    });

    test('serve carries on what was left, and what is resumed from elsewhere', async () => {
      const stop = new AbortController();
      const { id } = await begin({ rollout: { stages: [{ name: 'all', clusters: ['*'], approval: true }] } });
      const kept = keepRollouts({ ...context(), signal: stop.signal });
      const until = async (so: () => Promise<boolean>): Promise<void> => {
        while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 10));
      };
      await until(async () => (await rollouts.show(id)).rollout.hold === 'approval');
      await rollouts.act(id, 'approve', {}, ALICE);
      await until(async () => (await rollouts.show(id)).rollout.finished !== null);
      assert.equal((await rollouts.show(id)).rollout.state, 'rolledout');
      stop.abort();
      await kept;
    });
  });
}
