/** Rollouts that wait, are paused, aborted, killed and carried on, on every kind of database. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Clock, isHeraklitError } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';
import { readEvents } from '../../src/events/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { listQuarantine } from '../../src/publish/index.ts';
import type { Fleet } from '../../src/recipe/index.ts';
import { changesOf, listCampaigns, readCampaign, slotsOf } from '../../src/rollout/campaign/store.ts';
import {
  approvalsOfMany,
  approveCampaign,
  type Carried,
  type CarryContext,
  carryCampaign,
  findOrBegin,
  keepRollouts,
  type NewCampaign,
  operateCampaign,
  planOfFleet,
  rollBackCampaign,
  rollBackWorkload,
  rollOut,
  surveyWorkloads,
} from '../../src/rollout/index.ts';
import type { WorkloadRuntime } from '../../src/runtime/index.ts';
import { ScriptedRuntime, type ScriptedWorkload } from '../support/scripted-runtime.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [OLD, NEW, NEWER] = [digestOf('1'), digestOf('2'), digestOf('3')];
const REPOSITORY = 'registry.example/shop/web';
const MONDAY_NOON = Date.parse('2026-06-01T12:00:00Z');

const onCluster = (cluster: string, name: string): ScriptedWorkload => ({
  ...{ id: `kubernetes:${cluster}/shop/Deployment/${name}`, name, namespace: 'shop', kind: 'Deployment' },
});
const WORKLOADS = [onCluster('test', 'a'), onCluster('test', 'b'), onCluster('prod', 'c'), onCluster('prod', 'd')];

type Settings = Pick<Fleet, 'rollout' | 'zones'>;
const STAGES = [
  { name: 'test', clusters: ['test'] },
  { name: 'production', clusters: ['prod'] },
] as const;

export function campaignContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`rollouts that take time: ${name}`, () => {
    let database: Database;
    let runtime: ScriptedRuntime;
    let now: number;
    const clock: Clock = { now: () => now };
    before(async () => {
      database = await open();
    });
    after(async () => {
      await database.close();
      await cleanup();
    });
    beforeEach(async () => {
      for (const table of ['rollout', 'rollout_campaign', 'zone_image', 'quarantine', 'workload', 'outbox'] as const) {
        await database.kysely.deleteFrom(table).execute();
      }
      now = MONDAY_NOON;
      runtime = new ScriptedRuntime('kubernetes', WORKLOADS, `${REPOSITORY}@${OLD}`, OLD);
    });

    const context = (more: Partial<CarryContext> = {}): CarryContext => ({
      ...{ database, runtimes: [runtime], clock, ...more },
    });
    const campaign = (settings: Settings, digest = NEW): NewCampaign => ({
      ...{ cause: 'release', name: 'web', fleet: 'shop', repository: 'shop/web', tag: 'latest', digest },
      ...{ image: `${REPOSITORY}@${digest}`, previous: OLD, anyTime: false, carrier: 'loop' },
      plan: planOfFleet(settings, 'web'),
    });
    const begin = async (settings: Settings, digest = NEW): Promise<number> =>
      (await findOrBegin(context(), campaign(settings, digest), 'heraklit')).id;
    const carry = (id: number, more: Partial<CarryContext> = {}): Promise<Carried> => carryCampaign(context(more), id);
    const state = async (id: number): Promise<string> => {
      const { state, hold } = await readCampaign(database.kysely, id);
      return hold === undefined ? state : `${state} (${hold})`;
    };
    const runs = async (): Promise<string> => {
      const letters = new Map([
        [OLD, 'old'],
        [NEW, 'new'],
        [NEWER, 'newer'],
      ]);
      return WORKLOADS.map(({ id }) => letters.get(runtime.running.get(id)?.digest as Digest)).join(' ');
    };
    /** Resolves when it is so; the test's own time limit ends a wait that never does. */
    const until = async (so: () => Promise<boolean> | boolean): Promise<void> => {
      while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    test('stages follow each other; each waits for its window, its approval and the watch before it', async () => {
      const id = await begin({
        rollout: {
          windows: [{ days: ['mon'], from: '08:00', to: '13:00' }],
          stages: [
            { ...STAGES[0], soak: 600 },
            { ...STAGES[1], approval: true },
          ],
        },
      });
      now = Date.parse('2026-06-01T07:00:00Z');
      await carry(id);
      assert.equal(await state(id), 'waiting (window)');
      assert.equal((await readCampaign(database.kysely, id)).until, Date.parse('2026-06-01T08:00:00Z'));
      now = MONDAY_NOON;
      await carry(id);
      assert.equal(await state(id), 'waiting (soak)');
      assert.equal(await runs(), 'new new old old');
      now += 600_000;
      await carry(id);
      assert.equal(await state(id), 'waiting (approval)');
      now = Date.parse('2026-06-01T14:00:00Z');
      await approveCampaign(database, id, { actor: 'alice', owner: false, clock });
      await carry(id);
      assert.equal(await state(id), 'waiting (window)', 'the window closed meanwhile');
      await operateCampaign(database, id, 'resume', { actor: 'alice', now: true, clock });
      await carry(id);
      assert.equal(await state(id), 'rolledout');
      assert.equal(await runs(), 'new new new new');
      const told = (await changesOf(database.kysely, id)).map((one) => `${one.actor} ${one.stage} ${one.state}`);
      assert.ok(told.includes('alice production running') && told.at(-1)?.startsWith('heraklit'), told.join('\n'));
      const events = await readEvents(database.kysely, { after: 0, limit: 100 });
      assert.equal(events.filter(({ type }) => type === 'io.heraklit.rollout.changed').length, told.length);
    });

    test('only approvers approve, only stages that are to be approved, and only while it goes on', async () => {
      const stages = [{ ...STAGES[0], approval: true }];
      const id = await begin({ rollout: { stages, approvers: ['alice'] } });
      const approve = (actor: string, stage?: string) =>
        approveCampaign(database, id, { actor, stage, owner: actor === 'owner', clock });
      await assert.rejects(approve('bob'), (error) => isHeraklitError(error, 'ROLLOUT_NOT_APPROVER'));
      await assert.rejects(approve('alice', 'production'), (error) => isHeraklitError(error, 'ROLLOUT_STATE'));
      await approve('alice');
      await approve('owner', 'test');
      await carry(id);
      assert.equal(await state(id), 'rolledout');
      await assert.rejects(approve('alice'), (error) => isHeraklitError(error, 'ROLLOUT_STATE'));
      await assert.rejects(operateCampaign(database, id + 1_000, 'pause', { actor: 'alice', clock }), (error) =>
        isHeraklitError(error, 'ROLLOUT_UNKNOWN'),
      );
    });

    test('as many distinct people approve as the stage says, by name, group or role; who it was is kept', async () => {
      const stages = [{ ...STAGES[0], approvals: 2 }];
      const id = await begin({ rollout: { stages, approvers: ['alice', 'group:release', 'role:admin'] } });
      const approve = (actor: string, more: { groups?: readonly string[]; admin?: boolean } = {}) =>
        approveCampaign(database, id, { actor, owner: false, clock, ...more });
      await carry(id);
      assert.equal(await state(id), 'waiting (approval)');
      for (const more of [{}, { groups: ['Release', 'dev'] }, { groups: ['release:x'] }, { admin: false }]) {
        await assert.rejects(approve('mallory', more), (error) => isHeraklitError(error, 'ROLLOUT_NOT_APPROVER'));
      }
      await approve('bob', { groups: ['dev', 'release'] });
      await approve('bob', { groups: ['dev', 'release'] });
      await carry(id);
      assert.equal(await state(id), 'waiting (approval)', 'the same person twice is one');
      assert.match((await readCampaign(database.kysely, id)).reason, /by 2 people; so far bob$/);
      await approve('carol', { admin: true });
      await carry(id);
      assert.equal(await state(id), 'rolledout');
      assert.deepEqual(
        (await approvalsOfMany(database.kysely, [id])).map(({ actor, approver }) => [actor, approver]).sort(),
        [
          ['bob', 'group:release'],
          ['carol', 'role:admin'],
        ],
      );
    });

    const canary = (pause: number | 'until-resumed') => ({
      strategy: { canary: { steps: [{ weight: 10, pause }, { weight: 50 }] } },
      workloads: [{ image: 'web', workload: 'a' }],
    });

    test('a step that waits for a person pauses the rollout; resumed, it goes on from there', async () => {
      const id = await begin({ rollout: canary('until-resumed') });
      const carried = carry(id);
      await until(async () => (await state(id)) === 'paused (step)');
      await operateCampaign(database, id, 'resume', { actor: 'alice', clock });
      await carried;
      assert.equal(await state(id), 'rolledout');
      assert.deepEqual(runtime.log, ['a begin', 'a step 1/2', 'a step 2/2', 'a rolledout']);
    });

    test('aborted at a step: taken back, nobody is to blame, and nothing is quarantined', async () => {
      const id = await begin({ rollout: canary('until-resumed') });
      const carried = carry(id);
      await until(async () => (await state(id)) === 'paused (step)');
      await operateCampaign(database, id, 'abort', { actor: 'alice', reason: 'wrong week', clock });
      await carried;
      const ended = await readCampaign(database.kysely, id);
      assert.deepEqual([ended.state, ended.reason], ['rolledback', 'aborted by alice: wrong week']);
      assert.equal(await runs(), 'old old old old');
      assert.deepEqual(await listQuarantine(database.kysely), []);
      for (const action of ['pause', 'resume', 'abort'] as const) {
        await assert.rejects(operateCampaign(database, id, action, { actor: 'alice', clock }), (error) =>
          isHeraklitError(error, 'ROLLOUT_STATE'),
        );
      }
    });

    test('a pause with an end ends by the clock, and what was waited is not waited again after a crash', async () => {
      const id = await begin({ rollout: canary(60) });
      const killed = new AbortController();
      const carried = carry(id, { signal: killed.signal });
      await until(async () => (await slotsOf(database.kysely, [id]))[0]?.step === 0);
      killed.abort(new Error('killed'));
      await assert.rejects(carried, /killed/);
      assert.equal(await state(id), 'running');
      now += 59_000;
      const again = carry(id);
      await until(() => runtime.log.filter((line) => line === 'a step 1/2').length === 2);
      assert.equal(await runs(), 'old old old old');
      now += 1_000;
      await again;
      assert.equal(await state(id), 'rolledout');
    });

    test('resumed while nobody carries it on: the next process passes the step', async () => {
      const id = await begin({ rollout: canary('until-resumed') });
      const killed = new AbortController();
      const carried = carry(id, { signal: killed.signal });
      await until(async () => (await state(id)) === 'paused (step)');
      killed.abort(new Error('killed'));
      await assert.rejects(carried, /killed/);
      await operateCampaign(database, id, 'resume', { actor: 'alice', clock });
      await carry(id);
      assert.equal(await state(id), 'rolledout');
    });

    test('paused between workloads it stops there, and is aborted there', async () => {
      const id = await begin({ rollout: {} });
      runtime.moment = (what) => {
        if (what === 'a rolledout') pausing = operateCampaign(database, id, 'pause', { actor: 'alice', clock });
      };
      let pausing: Promise<unknown> | undefined;
      runtime.delay = 20;
      const first = carry(id);
      await until(() => pausing !== undefined);
      await pausing;
      await first;
      assert.equal(await state(id), 'paused (operator)');
      const paused = await runs();
      assert.ok(['new old old old', 'new new old old'].includes(paused), paused);
      await carry(id);
      assert.equal(await runs(), paused);
      await operateCampaign(database, id, 'abort', { actor: 'alice', clock });
      await carry(id);
      assert.equal(await state(id), 'rolledback');
      assert.equal(await runs(), paused, 'what is done stays');
    });

    test('a window that closes lets the step end and holds the next workload', async () => {
      const windows = [{ days: ['mon'], from: '08:00', to: '13:00' }] as const;
      const id = await begin({ rollout: { windows } });
      runtime.moment = (what) => {
        if (what === 'a begin') now = Date.parse('2026-06-01T13:30:00Z');
      };
      await carry(id);
      assert.equal(await state(id), 'waiting (window)');
      assert.equal(await runs(), 'new old old old');
    });

    test('a bad image ends all of it: quarantined, and later stages never see it', async () => {
      runtime.bad.add(NEW);
      const id = await begin({ rollout: { stages: [...STAGES] } });
      const undone: number[] = [];
      await carry(id, { undoRelease: async (one) => async () => void undone.push(one.id) });
      assert.equal(await state(id), 'rolledback');
      assert.deepEqual(undone, [id]);
      assert.equal(await runs(), 'old old old old');
      await assert.rejects(begin({}), (error) => isHeraklitError(error, 'ROLLOUT_DIGEST_QUARANTINED'));
    });

    test('a newer image takes over when it proved good; one that proved bad gives the older its turn', async () => {
      const later = { rollout: { stages: [{ ...STAGES[0], approval: true }] } };
      const older = await begin(later);
      await carry(older);
      runtime.bad.add(NEWER);
      const bad = await begin({ rollout: { stages: [STAGES[0]] } }, NEWER);
      await carry(older);
      assert.equal(await state(older), 'waiting (elsewhere)');
      await carry(bad);
      await carry(older);
      assert.equal(await state(older), 'waiting (approval)');
      const good = await begin({ rollout: { stages: [STAGES[0]] } }, digestOf('4'));
      await carry(good);
      await carry(older);
      assert.equal(await state(older), 'overtaken');
    });

    test('two at once: one carries it on, the other says who does; on one workload the second rollout waits', async () => {
      const id = await begin({ rollout: canary('until-resumed') });
      const carried = carry(id);
      await until(async () => (await state(id)) === 'paused (step)');
      const second = await carry(id);
      assert.ok(second.kind === 'held' && second.by.includes(`pid ${process.pid}`));
      const request = { image: `${REPOSITORY}@${NEWER}`, digest: NEWER, workloads: ['a'], deadline: 1_000 };
      const other = await rollOut(context(), request);
      assert.match(other.waits ?? '', /half-way on kubernetes:test/);
      await operateCampaign(database, id, 'resume', { actor: 'alice', clock });
      await carried;
      await carry(other.rollout);
      assert.equal(await runs(), 'newer old old old');
      const command = { image: `${REPOSITORY}@${NEW}`, digest: NEW, workloads: ['a'], deadline: 1_000 };
      runtime.delay = 10_000;
      const aborted = new AbortController();
      const held = rollOut(context({ signal: aborted.signal }), command);
      await until(async () => (await listCampaigns(database.kysely, { open: true, limit: 9 })).length === 1);
      await until(() => runtime.log.at(-1) === 'a begin');
      await assert.rejects(rollOut(context(), command), (error) => isHeraklitError(error, 'ROLLOUT_HELD'));
      aborted.abort(new Error('stopped'));
      await assert.rejects(held, { name: 'AbortError' });
    });

    test('what ran before comes back, for a rollout and for a workload; without a digest there is no way', async () => {
      const id = await begin({ rollout: { stages: [STAGES[0]] } });
      await assert.rejects(rollBackCampaign(database, id, { actor: 'alice', clock }), (error) =>
        isHeraklitError(error, 'ROLLOUT_STATE'),
      );
      await carry(id);
      const [back] = await rollBackCampaign(database, id, { actor: 'alice', clock });
      assert.ok(back);
      await carry(back.id);
      assert.equal(await runs(), 'old old old old');
      assert.equal((await readCampaign(database.kysely, back.id)).state, 'rolledout');
      const [again] = await rollBackWorkload(database, 'b', { actor: 'alice', clock });
      assert.ok(again);
      await carry(again.id);
      assert.equal(await runs(), 'old new old old');
      await assert.rejects(rollBackWorkload(database, 'c', { actor: 'alice', clock }), (error) =>
        isHeraklitError(error, 'ROLLOUT_NO_WAY_BACK'),
      );
    });

    test('zones let in what proved good before them, by their own registry; all else is refused', async () => {
      const zones = [
        { name: 'outside', clusters: ['prod'], registry: { endpoint: 'outside.example/copies' } },
        { name: 'inside', clusters: ['test'], to: ['outside'] },
      ];
      const delivered: string[] = [];
      const deliver: CarryContext['deliver'] = async (zone) => void delivered.push(zone.name);
      const wrong = await begin({ zones, rollout: { stages: [{ name: 'only', zone: 'outside' }] } });
      await assert.rejects(carry(wrong, { deliver }), (error) => isHeraklitError(error, 'ROLLOUT_ZONE_REFUSED'));
      assert.equal(await state(wrong), 'failed');
      assert.deepEqual([delivered, await runs()], [[], 'old old old old']);
      const id = await begin({ zones });
      await carry(id, { deliver });
      assert.equal(await state(id), 'rolledout');
      assert.deepEqual(delivered, ['outside']);
      assert.equal(runtime.running.get(WORKLOADS[2]?.id ?? '')?.image, `outside.example/copies/shop/web@${NEW}`);
      assert.equal(runtime.running.get(WORKLOADS[0]?.id ?? '')?.image, `${REPOSITORY}@${NEW}`);
    });

    test('a cluster that is away is waited for, and the rollout ends in the end', async () => {
      const stop = new AbortController();
      const id = await begin({ rollout: {} });
      runtime.away = 'connection refused';
      await carry(id, { attempts: 2 });
      assert.equal(await state(id), 'waiting (retry)');
      runtime.away = undefined;
      now += 600_000;
      const kept = keepRollouts({ ...context(), signal: stop.signal });
      await until(async () => (await state(id)) === 'rolledout');
      stop.abort();
      await kept;
      const hopeless = await begin({ rollout: {} }, NEWER);
      runtime.away = 'connection refused';
      await carry(hopeless, { attempts: 2 });
      now += 600_000;
      await carry(hopeless, { attempts: 2 });
      assert.equal(await state(hopeless), 'failed');
    });

    test('a cluster that is away does not hold up the others, is told of, and gets the image when it is back', async () => {
      const other = onCluster('edge', 'e');
      const edge = new ScriptedRuntime('kubernetes', [other], `${REPOSITORY}@${OLD}`, OLD);
      const scoped = (one: ScriptedRuntime, prefix: string): WorkloadRuntime => ({
        ...{ name: one.name, unavailable: () => one.unavailable(), list: () => one.list(), close: () => one.close() },
        rollout: (...asked) => one.rollout(...asked),
        scope: async () => ({ prefix, kinds: ['Deployment'] }),
      });
      const runtimes = [scoped(runtime, 'kubernetes:test/'), scoped(edge, 'kubernetes:edge/')];
      await surveyWorkloads({ ...context(), runtimes: [scoped(edge, 'kubernetes:edge/')] });
      edge.away = 'connection refused';
      const id = await begin({ rollout: {} });
      await carry(id, { runtimes });
      assert.equal(await state(id), 'waiting (away)');
      assert.equal(await runs(), 'new new new new');
      const waiting = await readCampaign(database.kysely, id);
      assert.match(waiting.reason, /does not answer: kubernetes:edge\/shop\/Deployment\/e$/);
      const told = (await changesOf(database.kysely, id)).length;
      now += 60_000;
      await carry(id, { runtimes });
      assert.equal((await changesOf(database.kysely, id)).length, told, 'nothing happened, nothing is told');
      edge.away = undefined;
      now += 60_000;
      await carry(id, { runtimes });
      assert.equal(await state(id), 'rolledout');
      assert.deepEqual(edge.log, ['e begin', 'e rolledout']);
      assert.equal((await slotsOf(database.kysely, [id])).filter(({ outcome }) => outcome === 'rolledout').length, 5);
    });

    test('killed at every moment, by anything, it ends as if it never was', async () => {
      const moments = ['begin', 'step 1/2', 'step 2/2', 'rolledout'];
      const strategy = { canary: { steps: [{ weight: 10 }, { weight: 50 }] } };
      const rollout = { strategy, batch: 2, stages: [...STAGES] };
      for (const [index, moment] of moments.entries()) {
        const digest = digestOf(String(5 + index));
        const id = await begin({ rollout }, digest);
        const killed = new Set<string>();
        let stop = new AbortController();
        runtime.moment = (what) => {
          if (!what.endsWith(moment) || killed.has(what)) return;
          killed.add(what);
          stop.abort(new Error('killed'));
          throw stop.signal.reason;
        };
        while ((await readCampaign(database.kysely, id)).finished === undefined) {
          stop = new AbortController();
          await carry(id, { signal: stop.signal }).catch((error: unknown) => {
            if (!stop.signal.aborted) throw error;
          });
        }
        assert.equal(await state(id), 'rolledout', moment);
        assert.equal(killed.size, WORKLOADS.length, moment);
        const events = await readEvents(database.kysely, { after: 0, limit: 1_000 });
        const rolled = events.filter(
          ({ type, data }) => type === 'io.heraklit.image.rolledout' && (data as { digest?: string }).digest === digest,
        );
        assert.equal(rolled.length, WORKLOADS.length, `${moment}: each announced once`);
      }
    });
  });
}
