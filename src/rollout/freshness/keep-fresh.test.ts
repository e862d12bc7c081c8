import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { sql } from 'kysely';
import { fixedClock } from '../../base/index.ts';
import { openDatabase } from '../../database/index.ts';
import type { RenewalOutcome, RenewalRequest, RunningCopy, Workload, WorkloadRuntime } from '../../runtime/index.ts';
import { DAY } from './ages.ts';
import { type FreshnessContext, keepFresh, workloadAges } from './keep-fresh.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-freshness-'));
const database = await openDatabase({ kind: 'embedded', directory: join(root, 'database') });
after(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

let now = Date.UTC(2030, 0, 1);
const DIGEST = `sha256:${'1'.repeat(64)}` as const;
const workload = (name: string): Workload => ({
  id: `podman:${name}`,
  kind: 'container',
  ...{ name, namespace: '', image: `r.example/${name}:1`, digest: DIGEST, replicas: 1 },
  containers: [{ name, image: `r.example/${name}:1`, digest: DIGEST }],
});

/** A runtime whose workloads were all made at given times, and are renewed as the test says. */
class PlayedRuntime implements WorkloadRuntime {
  readonly name = 'podman';
  readonly asked: RenewalRequest[] = [];
  readonly #workloads: readonly Workload[];
  readonly created = new Map<string, number>();
  answer: (request: RenewalRequest) => Promise<RenewalOutcome> = async ({ workload: { id } }) => {
    this.created.set(id, now);
    return { kind: 'renewed', workload: id, milliseconds: 1 };
  };
  readonly renewal = {
    copies: async (): Promise<readonly RunningCopy[]> =>
      [...this.created].map(([id, at]) => ({ workload: id, name: id, created: new Date(at) })),
    renew: async (request: RenewalRequest): Promise<RenewalOutcome> => {
      this.asked.push(request);
      return await this.answer(request);
    },
  };

  constructor(ages: Readonly<Record<string, number>>) {
    this.#workloads = Object.keys(ages).map(workload);
    for (const [name, days] of Object.entries(ages)) this.created.set(`podman:${name}`, now - days * DAY);
  }
  async unavailable() {
    return undefined;
  }
  async list() {
    return this.#workloads;
  }
  async rollout(): Promise<never> {
    throw new Error('not asked for');
  }
  async close() {}
}

const contextOf = (runtime: WorkloadRuntime, more: Partial<FreshnessContext> = {}): FreshnessContext => ({
  ...{ database, runtimes: [runtime], promises: { maxAge: 30, own: new Map() }, lead: 3_600_000, deadline: 1_000 },
  ...{ clock: fixedClock(now) },
  ...more,
});

beforeEach(async () => {
  now += 1_000 * DAY;
  await database.kysely.deleteFrom('workload_renewal').execute();
});

test('what is over its promise is renewed, the most urgent first, and then is not', async () => {
  const runtime = new PlayedRuntime({ young: 3, old: 40, older: 50 });
  const outcomes = await keepFresh(contextOf(runtime));
  assert.deepEqual(
    outcomes.map(({ kind, workload: id }) => [kind, id]),
    [
      ['renewed', 'podman:older'],
      ['renewed', 'podman:old'],
    ],
  );
  assert.equal(runtime.asked[0]?.before.getTime(), now - 30 * DAY + 3_600_000);
  assert.deepEqual(await keepFresh(contextOf(runtime)), []);
  const ages = await workloadAges(contextOf(runtime));
  assert.ok(ages.every(({ state }) => state === 'within'));
  const kept = await database.kysely.selectFrom('workload_renewal').select(['workload', 'outcome']).execute();
  assert.deepEqual(
    kept.map(({ outcome }) => outcome),
    ['renewed', 'renewed'],
  );
});

test('one that fails is left for a day, holds up no other, and is told', async () => {
  const runtime = new PlayedRuntime({ sick: 50, fine: 40 });
  const { answer } = runtime;
  runtime.answer = async (request) =>
    request.workload.name === 'sick'
      ? { kind: 'failed', workload: request.workload.id, reason: 'no room', milliseconds: 1 }
      : await answer(request);
  assert.deepEqual(
    (await keepFresh(contextOf(runtime))).map(({ kind }) => kind),
    ['failed', 'renewed'],
  );
  const again = await keepFresh(contextOf(runtime));
  assert.deepEqual(again, [{ kind: 'refused', workload: 'podman:sick', reason: 'it failed: no room' }]);
  assert.equal(runtime.asked.length, 2);
  now += 1.1 * DAY;
  assert.deepEqual(
    (await keepFresh(contextOf(runtime))).map(({ kind }) => kind),
    ['failed'],
  );
  const failing = new PlayedRuntime({ away: 50, fine2: 40 });
  failing.answer = ({ workload: { id, name } }) =>
    name === 'away'
      ? Promise.reject(new Error('the engine is away'))
      : Promise.resolve({ kind: 'unchanged', workload: id });
  assert.deepEqual(
    (await keepFresh(contextOf(failing))).map(({ kind }) => kind),
    ['unchanged'],
  );
  const open = await database.kysely
    .selectFrom('workload_renewal')
    .select('id')
    .where('finished', 'is', null)
    .execute();
  assert.deepEqual(open, [], 'it may be tried again at once');
});

test('outside its windows nothing is renewed; inside, what would be over before the next one opens', async () => {
  // 12:00 UTC; windows from 11:00 to 12:30.
  const windows = [{ from: '11:00', to: '12:30' }];
  now = Math.ceil(now / DAY) * DAY + 12 * 3_600_000;
  const ages = { soon: 29.5, young: 10, closed: 40 };
  const runtime = new PlayedRuntime(ages);
  const context = contextOf(runtime, {
    windowsOf: ({ name }) => (name === 'closed' ? [{ from: '01:00', to: '02:00' }] : windows),
  });
  const opens = new Date(now + 13 * 3_600_000).toISOString();
  assert.deepEqual(await keepFresh(context), [
    { kind: 'refused', workload: 'podman:closed', reason: `40.0 days old: its window opens ${opens}` },
    { kind: 'renewed', workload: 'podman:soon', milliseconds: 1 },
  ]);
  assert.deepEqual(
    runtime.asked.map(({ before }) => before.getTime()),
    [now - 30 * DAY + 24 * 3_600_000],
    'as old as it will be at the first look after the next window has opened',
  );
  const always = new PlayedRuntime({ soon2: 29.5 });
  assert.deepEqual(await keepFresh(contextOf(always)), [], 'without windows there is time enough');
});

test('two at once renew once; what a dead one began is carried on later, to the same end', async () => {
  const runtime = new PlayedRuntime({ web: 50 });
  let release = (): void => undefined;
  const { answer } = runtime;
  const reached = new Promise<void>((resolve) => {
    runtime.answer = async (request) => {
      resolve();
      await new Promise<void>((free) => {
        release = free;
      });
      return await answer(request);
    };
  });
  const first = keepFresh(contextOf(runtime));
  await reached;
  assert.deepEqual(await keepFresh(contextOf(runtime)), []);
  release();
  assert.equal((await first).length, 1);
  assert.equal(runtime.asked.length, 1);

  // Its process ends in the middle.
  const dying = new PlayedRuntime({ api: 50 });
  const ended = new AbortController();
  dying.answer = async () => {
    ended.abort();
    throw new Error('ended');
  };
  await assert.rejects(keepFresh(contextOf(dying, { signal: ended.signal })));
  const before = dying.asked[0]?.before;
  assert.deepEqual(await keepFresh(contextOf(dying)), [], 'it may still be at it');
  now += 2 * 3_600_000;
  dying.answer = answer;
  assert.equal((await keepFresh(contextOf(dying))).length, 1);
  assert.deepEqual(dying.asked[1]?.before, before);
});

test('a newer image that was released takes the place of an old workload; one in quarantine does not', async () => {
  const [from, to] = [DIGEST, `sha256:${'2'.repeat(64)}` as const];
  const { kysely } = database;
  await sql`insert into package_set (digest, versions) values ('none', '{}')`.execute(kysely);
  const image = async (digest: string): Promise<number> => {
    const made = await sql<{ id: number }>`insert into image
      (digest, distribution, architecture, scope, package_set, layers, bytes, wasted_bytes, incomplete, recorded)
      select ${digest}, '', 'amd64', '', (select min(id) from package_set), '{}', 0, 0, '[]', now() returning id`.execute(
      kysely,
    );
    return made.rows[0]?.id ?? 0;
  };
  const [old, fresh] = [await image(from), await image(to)];
  const seen = new Date(now);
  const rows = [
    { reference: 'r.example/web:1', image: old, since: new Date(now - DAY), until: seen },
    { reference: 'r.example/web:1', image: fresh, since: seen, until: null },
  ];
  await database.kysely
    .insertInto('image_reference')
    .values(rows as never)
    .execute();
  const runtime = new PlayedRuntime({ web: 50 });
  const rolled: unknown[] = [];
  const context = contextOf(runtime, {
    rollOut: async (newer) => {
      rolled.push(newer);
      return [{ kind: 'unchanged', workload: newer.workload, to: newer.image }];
    },
  });
  await keepFresh(context);
  assert.deepEqual(rolled, [{ image: `r.example/web@${to}`, digest: to, workload: 'podman:web', container: 'web' }]);
  assert.equal(runtime.asked.length, 0);
  const bad = { digest: to, image: 'r.example/web', found_by: 'test', reason: 'bad', since: seen, times: 1 };
  await database.kysely
    .insertInto('quarantine')
    .values(bad as never)
    .execute();
  await keepFresh(context);
  assert.equal(rolled.length, 1);
  assert.equal(runtime.asked.length, 1);
});
