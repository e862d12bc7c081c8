/** What the engine does on every kind of database. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';
import { type PipelineResult, type PushPort, planPipeline, runPipeline, undoRelease } from '../../src/engine/index.ts';
import { readEvents } from '../../src/events/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import type { Decide } from '../../src/plan/index.ts';
import { createSqlCatalogue, type RegistryCatalogue } from '../../src/registry/index.ts';
import { type BlobStore, openBlobStore } from '../../src/storage/index.ts';
import {
  type FakeOptions,
  fakeDecide,
  fakeFleet,
  fakePorts,
  lastingError,
  retryableError,
  type World,
} from '../support/fleet.ts';

const WORLD: World = {
  versions: { libc6: '1', openssl: '1', nginx: '1', python3: '1' },
  images: {
    base: { packages: ['libc6'] },
    tls: { base: 'base', packages: ['openssl'] },
    web: { base: 'tls', packages: ['nginx'] },
    site: { base: 'web' },
    script: { base: 'base', packages: ['python3'] },
  },
};

export function pipelineContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`pipeline contract: ${name}`, () => {
    let root: string;
    let database: Database;
    let blobs: BlobStore;
    let catalogue: RegistryCatalogue;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'heraklit-pipeline-'));
      database = await open();
      blobs = await openBlobStore(join(root, 'store'));
      catalogue = createSqlCatalogue(database);
    });
    after(async () => {
      await database.close();
      await cleanup();
      await rm(root, { recursive: true, force: true });
    });

    const optionsFor = (world: World, options: FakeOptions) => ({
      fleet: fakeFleet(world),
      database,
      blobs,
      catalogue,
      ports: fakePorts(world, blobs, options),
      decide: fakeDecide,
      registryHost: 'registry.test:5000',
      retryDelay: 1,
    });
    const run = (
      world: World,
      options: FakeOptions = {},
      more: { retryFailed?: boolean } = {},
    ): Promise<PipelineResult> => runPipeline({ ...optionsFor(world, options), ...more });
    const statuses = (result: PipelineResult): Record<string, string> =>
      Object.fromEntries(result.tasks.map((task) => [task.image, task.status]));
    const tags = async (): Promise<Record<string, string | undefined>> => {
      const names = Object.keys(WORLD.images);
      const digests = await Promise.all(names.map(async (one) => (await catalogue.resolve(one, 'latest'))?.digest));
      return Object.fromEntries(names.map((one, index) => [one, digests[index]]));
    };
    let seen = 0;
    /** `what subject` of the events since the last call, tasks and runs left out; sorted. */
    const news = async (): Promise<string[]> => {
      const events = await readEvents(database.kysely, { after: seen, limit: 1000 });
      seen = events.at(-1)?.sequence ?? seen;
      return events
        .filter((event) => /image|container/.test(event.type))
        .map((event) => `${event.type.replace('io.heraklit.', '')} ${event.subject}`)
        .sort();
    };
    const expected = (images: readonly string[], ...kinds: readonly string[]): string[] =>
      images.flatMap((image) => kinds.map((kind) => `${kind} ${image}`)).sort();
    const RELEASED = ['image.built', 'image.published', 'image.verified', 'image.released', 'container.published'];
    const all = Object.keys(WORLD.images);
    const updated = (versions: Record<string, string>, images: World['images'] = {}): World => ({
      versions: { ...WORLD.versions, ...versions },
      images: { ...WORLD.images, ...images },
    });

    test('a new fleet is built bases first and released; a second run has nothing to do', async () => {
      const result = await run(WORLD);
      assert.deepEqual(statuses(result), Object.fromEntries(all.map((one) => [one, 'succeeded'])));
      assert.deepEqual(await news(), expected(all, ...RELEASED));
      assert.ok(Object.values(await tags()).every((digest) => digest !== undefined));
      const again = await run(WORLD);
      assert.deepEqual([again.run, again.tasks], [undefined, []]);
      assert.deepEqual(await news(), []);
    });

    test('an update is announced once and goes through the lineage; siblings stay', async () => {
      const before = await tags();
      const world = updated({ openssl: '2' });
      const plan = await planPipeline(optionsFor(world, {}));
      assert.deepEqual(plan.levels, [['tls'], ['web'], ['site']]);
      const result = await run(world);
      assert.deepEqual(statuses(result), { tls: 'succeeded', web: 'succeeded', site: 'succeeded' });
      const touched = ['site', 'tls', 'web'];
      assert.deepEqual(
        await news(),
        [...expected(touched, ...RELEASED), ...expected(touched, 'image.outdated')].sort(),
      );
      const now = await tags();
      assert.deepEqual(all.filter((one) => now[one] !== before[one]).sort(), touched);
    });

    test('the cascade stops where content is unchanged', async () => {
      const before = await tags();
      const world = updated({ openssl: '2' }, { base: { packages: ['libc6'], comment: 'reworded' } });
      const result = await run(world);
      assert.deepEqual(statuses(result), Object.fromEntries(all.map((one) => [one, 'unchanged'])));
      assert.deepEqual(await news(), expected(all, 'image.unchanged'));
      assert.deepEqual(await tags(), before);
      assert.equal((await run(world)).run, undefined);
    });

    test('a build of other bytes that holds what is released is unchanged, and so are those that stand on it', async () => {
      const before = await tags();
      const world = updated({ openssl: '2' }, { base: { packages: ['libc6'], comment: 'other words' } });
      const { ports, ...options } = optionsFor(world, {});
      const asked: string[] = [];
      const build: typeof ports.build = {
        async build(request, signal) {
          const built = await ports.build.build(request, signal);
          const config = {
            ...built.manifest.config,
            ...(await blobs.put(Buffer.from(`other ${request.image.image}`))),
          };
          return {
            ...built,
            manifest: { ...built.manifest, config },
            descriptor: { ...built.descriptor, ...(await blobs.put(Buffer.from(`bytes of ${request.image.image}`))) },
          };
        },
        async holdsSame(_, released) {
          asked.push(released);
          return true;
        },
      };
      const result = await runPipeline({ ...options, ports: { ...ports, build } });
      assert.deepEqual(statuses(result), Object.fromEntries(all.map((one) => [one, 'unchanged'])));
      assert.deepEqual(asked, [before.base]);
      assert.deepEqual(await tags(), before);
      // As it was, for the tests that follow.
      await run(updated({ openssl: '2' }, { base: { packages: ['libc6'], comment: 'reworded' } }));
      await news();
    });

    test('a rejected candidate is quarantined and never tagged; its children are unresolvable; others go on', async () => {
      const before = await tags();
      const world = updated({ openssl: '3', python3: '2' }, { base: { packages: ['libc6'], comment: 'reworded' } });
      const result = await run(world, { broken: ['openssl=3'] });
      assert.deepEqual(statuses(result), {
        tls: 'failed',
        web: 'unresolvable',
        site: 'unresolvable',
        script: 'succeeded',
      });
      const said = await news();
      assert.ok(said.includes('image.quarantined tls') && !said.includes('image.released tls'));
      const now = await tags();
      assert.deepEqual([now.tls, now.web, now.site], [before.tls, before.web, before.site]);
      // The same input is left alone; asked for, the same digest is refused without a test.
      assert.equal(statuses(await run(world)).tls, undefined);
      const retried = await run(world, {}, { retryFailed: true });
      assert.equal(statuses(retried).tls, 'failed');
      assert.match(retried.tasks.find((task) => task.image === 'tls')?.error ?? '', /quarantined: openssl=3/);
    });

    test('a retryable error is tried again; a lasting one ends the task in the word that fits', async () => {
      let calls = 0;
      const flaky = await run(updated({ openssl: '4' }), {
        sabotage: ({ image }) => {
          if (image.image !== 'tls') return undefined;
          calls += 1;
          return calls < 3 ? retryableError() : undefined;
        },
      });
      assert.equal(statuses(flaky).tls, 'succeeded');
      assert.equal(calls, 3);
      const words = [
        [lastingError(), 'failed'],
        [lastingError('RECIPE_INVALID', 'usage'), 'broken'],
        [lastingError('SOLVE_UNSATISFIABLE'), 'unresolvable'],
        [retryableError(), 'failed'],
        [new TypeError('a bug'), 'failed'],
      ] as const;
      for (const [index, [error, word]] of words.entries()) {
        const world = updated({ openssl: '4', python3: `${10 + index}` });
        const result = await run(world, { sabotage: () => error as ReturnType<typeof lastingError> });
        assert.deepEqual([error.message, statuses(result).script], [error.message, word]);
      }
    });

    test('an unhealthy rollout puts the tag back', async () => {
      await run(updated({ openssl: '5' }), { rollout: true });
      const before = await tags();
      await news();
      const result = await run(updated({ openssl: '5', nginx: '2' }), { rollout: true, unhealthy: ['nginx=2'] });
      assert.equal(statuses(result).web, 'failed');
      const now = await tags();
      assert.equal(now.web, before.web);
      const said = await news();
      for (const word of ['released web']) assert.ok(said.includes(`image.${word}`), word);
    });

    test('an image that proves bad after its run: fleet and tag go back, and the same input is not built again', async () => {
      const good = updated({ openssl: '5' });
      await run(good, {});
      const before = await tags();
      const bad = updated({ openssl: '5', nginx: '3' });
      await run(bad, {});
      const released = await tags();
      assert.notEqual(released.web, before.web);
      const image = { name: 'web', fleet: 'test', repository: 'web', tag: 'latest' };
      const change = { ...image, digest: released.web as Digest, previous: before.web as Digest };
      const undo = await undoRelease({ database, catalogue, clock: systemClock }, change);
      await database.transaction(undo);
      assert.equal((await tags()).web, before.web);
      const task = await database.kysely
        .selectFrom('task')
        .select(['status'])
        .where('image', '=', 'web')
        .where('digest', '=', change.digest)
        .execute();
      assert.deepEqual(task, [{ status: 'failed' }]);
      const plan = await planPipeline(optionsFor(bad, {}));
      assert.ok(!plan.levels.flat().includes('web'), JSON.stringify(plan.levels));
      // Twice changes nothing; and a release that another one has replaced is left alone.
      await database.transaction(await undoRelease({ database, catalogue, clock: systemClock }, change));
      assert.equal((await tags()).web, before.web);
    });

    test('a run that began meanwhile is waited for, not doubled', async () => {
      const options = optionsFor(updated({ openssl: '6', nginx: '1' }), {});
      const inventory: typeof options.ports.inventory = {
        async survey(images, signal) {
          const other = {
            id: 'other',
            input: 'other',
            attempt: 1,
            fleet: 'test',
            status: 'running',
            finished: null,
          } as const;
          await database.kysely
            .insertInto('run')
            .values({ ...other, started: new Date() })
            .execute();
          return options.ports.inventory.survey(images, signal);
        },
      };
      await assert.rejects(runPipeline({ ...options, ports: { ...options.ports, inventory } }), {
        code: 'ENGINE_RUN_ACTIVE',
      });
      await database.kysely.deleteFrom('run').where('id', '=', 'other').execute();
    });

    test('a task whose image left the fleet ends with the reason; the others go on', async () => {
      const controller = new AbortController();
      const world = updated({ openssl: '7', nginx: '1', python3: '7' });
      const options = optionsFor(world, {
        sabotage: ({ image }) => {
          if (image.image !== 'script') return undefined;
          controller.abort(new Error('stopped'));
          return retryableError();
        },
        delay: 20,
      });
      await assert.rejects(runPipeline({ ...options, signal: controller.signal }), /stopped/);
      const { script: _, ...images } = world.images;
      const result = await run({ ...world, images });
      assert.equal(statuses(result).script, 'failed');
      assert.match(result.tasks.find((task) => task.image === 'script')?.error ?? '', /^ENGINE_STATE_LOST/);
      assert.equal(statuses(result).tls, 'succeeded');
    });

    test('only security updates are a reason to build, where the fleet says so', async () => {
      const world = updated({ openssl: '5', nginx: '1', python3: '88' });
      const options = { ...optionsFor(world, { plainUpdates: ['python3'] }), securityOnly: true };
      const plan = await planPipeline(options);
      assert.equal(
        plan.tasks.find((task) => task.image === 'script'),
        undefined,
      );
      const all = await planPipeline({ ...options, securityOnly: false });
      assert.equal(all.tasks.find((task) => task.image === 'script')?.status, 'scheduled');
    });

    test('an image that no allowed strategy makes is told of with its code; a run of nothing else ends at once', async () => {
      const world = updated({ openssl: '5', nginx: '1', python3: '99' });
      const decide: Decide = (image, context) =>
        image.name === 'script'
          ? { strategy: 'none', because: 'only patch could make it', excluded: true }
          : fakeDecide(image, context);
      const result = await runPipeline({ ...optionsFor(world, {}), decide });
      assert.deepEqual(
        result.problems.map(({ code, image }) => [code, image]),
        [['PLAN_STRATEGY_EXCLUDED', 'script']],
      );
      assert.ok(result.tasks.every((task) => task.image !== 'script' || task.status === 'excluded'));
    });

    test('locked images are shown and left alone', async () => {
      const world = updated(
        { openssl: '5', nginx: '1', python3: '77' },
        { script: { ...WORLD.images.script, state: 'locked' } },
      );
      const plan = await planPipeline(optionsFor(world, {}));
      assert.equal(plan.tasks.find((task) => task.image === 'script')?.status, 'locked');
    });

    test('a second fleet of the home has its own images; one with a name that is taken is refused, unless it is the same', async () => {
      const other = (name: string, names: readonly string[]) => {
        const world: World = { versions: WORLD.versions, images: Object.fromEntries(names.map((one) => [one, {}])) };
        const options = optionsFor(world, {});
        return { ...options, fleet: { ...options.fleet, name } };
      };
      const before = await tags();
      const clash = {
        code: 'ENGINE_FLEET_CLASH',
        message: /fleet second and fleet test of this home both have base, web$/,
      };
      await assert.rejects(runPipeline(other('second', ['base', 'own', 'web'])), clash);
      await assert.rejects(planPipeline(other('second', ['base', 'own', 'web'])), clash);
      assert.deepEqual(await tags(), before);
      const result = await runPipeline(other('second', ['own', 'mine']));
      assert.deepEqual(statuses(result), { own: 'succeeded', mine: 'succeeded' });
      assert.equal((await runPipeline(other('second', ['own', 'mine']))).run, undefined);
      // The first fleet knows nothing of them, and its plan is its own.
      assert.ok((await planPipeline(optionsFor(WORLD, {}))).tasks.every((task) => all.includes(task.image)));
      await assert.rejects(runPipeline(other('third', ['mine'])), { code: 'ENGINE_FLEET_CLASH' });
      const renamed = { ...other('third', ['own', 'mine']), takeOver: 'second' };
      assert.equal((await runPipeline(renamed)).run, undefined);
      await assert.rejects(runPipeline(other('second', ['mine'])), { code: 'ENGINE_FLEET_CLASH' });
    });

    test('a fleet leaves the jobs of another one alone; a renamed one carries its run on', async () => {
      const controller = new AbortController();
      const world: World = { versions: WORLD.versions, images: { left: {}, right: {} } };
      const named = (name: string, options: FakeOptions = {}, more: object = {}) => {
        const own = optionsFor(world, options);
        return { ...own, fleet: { ...own.fleet, name }, ...more };
      };
      const sabotage = () => {
        controller.abort(new Error('stopped'));
        return undefined;
      };
      await assert.rejects(
        runPipeline({ ...named('fourth', { delay: 20, sabotage }), signal: controller.signal }),
        /stopped/,
      );
      const between = await run(updated({ openssl: '21', nginx: '21', python3: '21', libc6: '21' }));
      assert.ok(between.tasks.length > 0 && between.tasks.every((task) => all.includes(task.image)));
      const result = await runPipeline(named('fifth', {}, { takeOver: 'fourth' }));
      assert.equal(result.resumed, true);
      assert.deepEqual(statuses(result), { left: 'succeeded', right: 'succeeded' });
    });

    test('released images are pushed once; what failed, or was taken back, is made good by the next call', async () => {
      const there = new Map<string, string>();
      const pushes: string[] = [];
      let away: readonly string[] = [];
      const push: PushPort = {
        takes: () => true,
        target: ({ repository, tag }) => `outside.test/team/${repository}:${tag}`,
        async push({ repository, digest }) {
          if (away.includes(repository)) throw retryableError();
          pushes.push(repository);
          there.set(repository, digest);
        },
      };
      const pushing = (world: World, options: FakeOptions = {}) => {
        const own = optionsFor(world, options);
        return runPipeline({ ...own, ports: { ...own.ports, pushes: [push] } });
      };
      const next = (nginx: string): World => updated({ openssl: '30', nginx, python3: '30', libc6: '30' });
      await pushing(next('30'));
      assert.deepEqual([...there.keys()].sort(), [...all].sort());
      assert.deepEqual(Object.fromEntries(there), await tags());
      pushes.length = 0;
      away = ['web'];
      const failed = await pushing(next('31'));
      assert.deepEqual(
        failed.problems.map(({ code, image }) => [code, image]),
        [[retryableError().code, 'web']],
      );
      assert.deepEqual([statuses(failed).web, pushes], ['succeeded', ['site']]);
      away = [];
      const late = await pushing(next('31'));
      assert.deepEqual([late.run, late.problems, pushes], [undefined, [], ['site', 'web']]);
      await pushing(next('31'));
      assert.equal(pushes.length, 2);
      // Rolled back: the outside registry ends at what is released here.
      await pushing(next('32'), { rollout: true, unhealthy: ['nginx=32'] });
      assert.deepEqual(Object.fromEntries(there), await tags());
      // All gone: a few are tried, not all.
      away = all;
      const gone = await pushing(updated({ openssl: '33', nginx: '33', python3: '33', libc6: '33' }));
      assert.ok(gone.problems.length >= 3 && gone.problems.length < all.length, String(gone.problems.length));
    });

    test('an aborted run is carried on by the next call', async () => {
      const controller = new AbortController();
      const world = updated({ libc6: '9', openssl: '9', nginx: '9', python3: '9' });
      const options = optionsFor(world, {
        delay: 20,
        sabotage: ({ image }) => {
          if (image.image === 'tls') controller.abort(new Error('stopped'));
          return undefined;
        },
      });
      await assert.rejects(runPipeline({ ...options, signal: controller.signal }), /stopped/);
      const result = await run(world);
      assert.equal(result.resumed, true);
      assert.deepEqual(statuses(result), Object.fromEntries(all.map((one) => [one, 'succeeded'])));
    });
  });
}
