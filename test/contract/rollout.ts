/** What rollout records and announces, on every kind of database. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { isHeraklitError, silentLog } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';
import { type CandidateImage, rolloutOf } from '../../src/engine/index.ts';
import { readEvents } from '../../src/events/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { liftQuarantine, listQuarantine } from '../../src/publish/index.ts';
import { rollOut } from '../../src/rollout/index.ts';
import { supersessions } from '../../src/rollout/store.ts';
import type { RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from '../../src/runtime/index.ts';

const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [OLD, NEW, BAD] = [digestOf('1'), digestOf('2'), digestOf('3')];
const at = (digest: Digest, repository = 'registry.example/shop/web'): string => `${repository}@${digest}`;

/** Runs what it is told, except BAD; `crash` makes it die after the change and before the answer. */
class FakeRuntime implements WorkloadRuntime {
  readonly name = 'fake';
  readonly images = new Map<string, { image: string; digest: Digest }>();
  readonly calls: string[] = [];
  crash: 'before' | 'after' | undefined;
  blame: 'image' | 'environment' = 'image';
  reason: string | undefined;
  /** Workload → held until this is done. */
  readonly held = new Map<string, Promise<void>>();
  lists = 0;
  async unavailable() {
    return this.reason;
  }
  async list(): Promise<readonly Workload[]> {
    this.lists += 1;
    return [...this.images].map(([name, { image, digest }]) => ({
      id: `fake:${name}`,
      kind: 'container',
      name,
      namespace: '',
      image,
      digest,
      containers: [{ name, image, digest }],
      replicas: 1,
    }));
  }
  async rollout(request: RolloutRequest): Promise<RolloutOutcome> {
    const { workload, image, digest } = request;
    this.calls.push(workload.name);
    await this.held.get(workload.name);
    const base = { workload: workload.id, from: workload.image, to: image, interrupted: false, milliseconds: 1.5 };
    if (this.images.get(workload.name)?.digest === digest)
      return { kind: 'unchanged', workload: workload.id, to: image };
    if (this.crash === 'before') throw new Error('died before');
    if (digest === BAD) return { kind: 'rolledback', reason: 'it ended with exit code 3', blame: this.blame, ...base };
    this.images.set(workload.name, { image, digest });
    if (this.crash === 'after') throw new Error('died after');
    return { kind: 'rolledout', ...base };
  }
  async close() {}
}

export function rolloutContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`rollout contract: ${name}`, () => {
    let database: Database;
    let runtime: FakeRuntime;
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
        'outbox',
        'image_reference',
        'image',
        'package_set',
      ] as const) {
        await database.kysely.deleteFrom(table).execute();
      }
      runtime = new FakeRuntime();
      for (const name of ['a', 'b', 'c']) runtime.images.set(name, { image: at(OLD), digest: OLD });
    });

    const context = () => ({ database, runtimes: [runtime] });
    const announced = async () =>
      (await readEvents(database.kysely, { after: 0, limit: 100 })).flatMap(({ type, data }) =>
        type.startsWith('io.heraklit.image.')
          ? [`${type.slice('io.heraklit.image.'.length)} ${(data as { workload?: string }).workload ?? ''}`.trim()]
          : [],
      );
    const to = (digest: Digest) => ({ image: at(digest), digest, deadline: 1000 });

    test('two at once: a slow one holds up no others, and the answer is in order', async () => {
      const slow = Promise.withResolvers<void>();
      runtime.held.set('a', slow.promise);
      const rolled = rollOut(context(), { ...to(NEW), batch: 2 });
      while (runtime.images.get('c')?.digest !== NEW) await new Promise(setImmediate);
      assert.equal(runtime.images.get('a')?.digest, OLD);
      slow.resolve();
      const { outcomes } = await rolled;
      assert.deepEqual(
        outcomes.map(({ workload }) => workload),
        ['fake:a', 'fake:b', 'fake:c'],
      );
    });

    test('many that fail at once are looked at once', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `m${at}`);
      for (const name of names) runtime.images.set(name, { image: at(OLD), digest: OLD });
      const gate = Promise.withResolvers<void>();
      for (const name of runtime.images.keys()) runtime.held.set(name, gate.promise);
      runtime.crash = 'before';
      const rolled = rollOut(context(), { ...to(NEW), batch: 50 });
      const failed = assert.rejects(rolled, /died before/);
      while (runtime.calls.length < 43) await new Promise(setImmediate);
      runtime.lists = 0;
      gate.resolve();
      await failed;
      assert.ok(runtime.lists <= 2, `${runtime.lists} lists`);
      const open = await database.kysely.selectFrom('rollout').selectAll().where('finished', 'is', null).execute();
      assert.deepEqual(open, [], 'nothing was changed: no slot is left half-way');
    });

    test('every workload of the repository is rolled out, in order, and each is announced once', async () => {
      runtime.images.set('other', { image: at(OLD, 'registry.example/else'), digest: digestOf('9') });
      const { outcomes, skipped } = await rollOut(context(), to(NEW));
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['rolledout', 'rolledout', 'rolledout'],
      );
      assert.deepEqual(skipped, []);
      assert.deepEqual(runtime.calls, ['a', 'b', 'c']);
      assert.deepEqual(await announced(), ['rolledout fake:a', 'rolledout fake:b', 'rolledout fake:c']);
      const again = await rollOut(context(), to(NEW));
      assert.deepEqual(
        again.outcomes.map(({ kind }) => kind),
        ['unchanged', 'unchanged', 'unchanged'],
      );
      assert.equal((await announced()).length, 3);
      const workloads = await database.kysely
        .selectFrom('workload')
        .select(['name', 'digest'])
        .orderBy('name')
        .execute();
      assert.deepEqual(
        workloads.map(({ name, digest }) => [name, digest]),
        [
          ['a', NEW],
          ['b', NEW],
          ['c', NEW],
          ['other', digestOf('9')],
        ],
      );
    });

    test('a rollback ends it, quarantines the digest and refuses it from then on', async () => {
      const { outcomes, skipped } = await rollOut(context(), { ...to(BAD), workloads: ['b', 'a', 'c'] });
      assert.deepEqual(
        outcomes.map(({ kind, workload }) => [kind, workload]),
        [['rolledback', 'fake:b']],
      );
      assert.deepEqual(skipped, ['fake:a', 'fake:c']);
      assert.deepEqual(await announced(), ['rolledback fake:b', 'quarantined']);
      assert.deepEqual(
        (await listQuarantine(database.kysely)).map(({ digest, foundBy }) => [digest, foundBy]),
        [[BAD, 'fake:b']],
      );
      await assert.rejects(rollOut(context(), to(BAD)), (error) =>
        isHeraklitError(error, 'ROLLOUT_DIGEST_QUARANTINED'),
      );
      assert.equal(runtime.calls.length, 1);
      const lift = () => database.transaction((trx) => liftQuarantine(trx, BAD, { actor: 'alice' }));
      assert.deepEqual([(await lift())?.digest, await lift()], [BAD, undefined]);
      assert.equal((await rollOut(context(), to(BAD))).outcomes.length, 1);
    });

    test('a rollback the environment is to blame for does not quarantine', async () => {
      runtime.blame = 'environment';
      await rollOut(context(), to(BAD));
      assert.deepEqual(await announced(), ['rolledback fake:a']);
      assert.deepEqual(await listQuarantine(database.kysely), []);
    });

    test('killed after the change and before its record: the next call announces it, once', async () => {
      runtime.crash = 'after';
      await assert.rejects(rollOut(context(), to(NEW)), /died after/);
      assert.deepEqual(await announced(), []);
      runtime.crash = undefined;
      await rollOut(context(), to(NEW));
      assert.deepEqual(await announced(), ['rolledout fake:a', 'rolledout fake:b', 'rolledout fake:c']);
      const [first] = await database.kysely.selectFrom('rollout').selectAll().orderBy('id').execute();
      assert.equal(first?.previous, at(OLD));
    });

    test('a failure that replaced nothing leaves no row behind', async () => {
      runtime.crash = 'before';
      await assert.rejects(rollOut(context(), to(NEW)), /died before/);
      assert.deepEqual(await database.kysely.selectFrom('rollout').selectAll().execute(), []);
    });

    test('workloads on a digest that the inventory says is superseded are found, whatever repository they pull from', async () => {
      const now = new Date(1_700_000_000_000);
      const set = await database.kysely
        .insertInto('package_set')
        .values({ digest: 'x', versions: [] })
        .returning('id')
        .executeTakeFirstOrThrow();
      const image = async (digest: Digest) =>
        (
          await database.kysely
            .insertInto('image')
            .values({
              digest,
              distribution: '',
              architecture: 'amd64',
              scope: '',
              package_set: set.id,
              layers: [],
              chain: null,
              base_digest: null,
              base_name: null,
              base_evidence: null,
              bytes: 0,
              wasted_bytes: 0,
              created: null,
              incomplete: '[]',
              recorded: now,
            })
            .returning('id')
            .executeTakeFirstOrThrow()
        ).id;
      const reference = 'registry.example/shop/web:production';
      await database.kysely
        .insertInto('image_reference')
        .values({ reference, image: await image(OLD), since: new Date(0), until: now })
        .execute();
      await database.kysely
        .insertInto('image_reference')
        .values({ reference, image: await image(NEW), since: now, until: null })
        .execute();
      assert.deepEqual(await supersessions(database.kysely, [OLD, NEW]), [{ from: OLD, to: NEW, reference }]);
      runtime.images.clear();
      runtime.images.set('mirrored', { image: at(OLD, 'mirror.example/web'), digest: OLD });
      await rollOut(context(), to(NEW));
      assert.deepEqual(runtime.calls, ['mirrored']);
    });

    test('batches run side by side and stop after a rollback', async () => {
      const { outcomes, skipped } = await rollOut(context(), { ...to(BAD), batch: 2 });
      assert.deepEqual(
        outcomes.map(({ workload }) => workload),
        ['fake:a', 'fake:b'],
      );
      assert.deepEqual(skipped, ['fake:c']);
      assert.deepEqual((await announced()).sort(), ['quarantined', 'rolledback fake:a', 'rolledback fake:b']);
    });

    test('an unknown name and an unusable runtime are coded errors', async () => {
      await assert.rejects(rollOut(context(), { ...to(NEW), workloads: ['d'] }), (error) => {
        return isHeraklitError(error, 'ROLLOUT_WORKLOAD_UNKNOWN') && /There are a, b, c\./.test(error.hint ?? '');
      });
      runtime.reason = 'no socket';
      await assert.rejects(rollOut(context(), to(NEW)), (error) => {
        return isHeraklitError(error, 'ROLLOUT_NO_RUNTIME') && error.message.includes('fake: no socket');
      });
    });

    test('a fleet that names workloads has those alone replaced, each by its own rules', async () => {
      const warned: string[] = [];
      const requests: RolloutRequest[] = [];
      const plain = runtime.rollout.bind(runtime);
      runtime.rollout = (request) => {
        requests.push(request);
        return plain(request);
      };
      const port = rolloutOf({
        database,
        runtimes: [runtime],
        registryHost: 'registry.example',
        log: { ...silentLog, warn: (message) => void warned.push(message) },
        document: {
          rollout: {
            deadline: 1,
            workloads: [
              { image: 'web', workload: 'fake:c', deadline: 7, health: { kind: 'tcp', port: 5432 } },
              { image: 'web', workload: 'fake:gone' },
              { image: 'db', workload: 'fake:b' },
              { image: 'web', workload: 'a', container: 'a' },
            ],
          },
        },
      });
      const summary = { strategy: 'compose', reason: '', changes: [], advisoriesFixed: [] } as const;
      const release = (image: string, digest: Digest): CandidateImage => ({
        image,
        repository: 'shop/web',
        tag: 'latest',
        descriptor: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 2 },
        previous: OLD,
        statements: [],
        summary: {
          ...summary,
          statistics: { bytesBuilt: 0, bytesShared: 0, layersBuilt: 0, layersShared: 0, milliseconds: 0 },
        },
      });
      const { signal } = new AbortController();
      assert.equal((await port.rollout(release('web', NEW), signal)).length, 2);
      assert.deepEqual(
        requests.map((one) => [one.workload.name, one.container, one.deadline, one.health]),
        [
          ['c', 'c', 7000, { kind: 'tcp', port: 5432 }],
          ['a', 'a', 1000, undefined],
        ],
      );
      assert.match(warned.join(), /no runtime has a workload "fake:gone": left alone/);
      assert.deepEqual(await port.rollout(release('cache', NEW), signal), []);
      // A rollback ends it: what comes after is left alone.
      const bad = await port.rollout(release('web', BAD), signal);
      assert.deepEqual(
        bad.map((one) => [one.kind, one.workload]),
        [['rolledback', 'fake:c']],
      );
    });
  });
}
