import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { silentLog } from '../../src/base/index.ts';
import {
  type CrawlSource,
  type CrawlStatus,
  crawlError,
  crawlStatuses,
  folderSource,
  keepCrawling,
  type ScheduledSource,
} from '../../src/crawl/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import type { Sources } from '../../src/http/index.ts';
import { memoryLayerCache } from '../../src/inventory/index.ts';
import { whereIs } from '../../src/inventory/store/index.ts';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { smallImage } from '../support/small-image.ts';

const root = await mkdtemp(join(tmpdir(), 'crawl-sources-'));
const database = await openDatabase({ kind: 'embedded', directory: join(root, 'database') });
after(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

async function layouts(folder: string, name: string): Promise<string> {
  const files = { 'usr/lib/os-release': OS_RELEASE, 'var/lib/dpkg/status': status(stanza(name, '1')) };
  await mkdir(folder, { recursive: true });
  await (await smallImage(folder, name, [files])).close();
  return folder;
}

/** Waits for what comes without anybody telling. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let left = 1_200; left > 0; left -= 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come');
}

const sourceOf = (name: string, find: CrawlSource['find']): CrawlSource => ({
  name,
  covers: () => true,
  find,
  close: async () => {},
});

interface Running {
  stop(): Promise<void>;
  status(name: string): Promise<CrawlStatus | undefined>;
  until(name: string, isDone: (status: CrawlStatus) => boolean): Promise<CrawlStatus>;
}

/** A clock that a test moves; timers stay those of the machine. */
function startCrawling(
  context: TestContext,
  sources: readonly ScheduledSource[],
  clock: { now: number },
  timing: { readonly lease?: number; readonly longest?: number; readonly beat?: number } = {},
  owner = 'one',
): Running {
  const abort = new AbortController();
  const now = () => new Date(clock.now);
  const ended = keepCrawling(sources, {
    ...{ database, layerCache: memoryLayerCache(), log: silentLog, signal: abort.signal, owner, now },
    random: () => 0.5,
    timing: { poll: 20, beat: 20, ...timing },
  });
  const stop = async (): Promise<void> => {
    abort.abort();
    await ended;
  };
  context.after(stop);
  const statusOf = async (name: string) =>
    (await crawlStatuses(database.kysely, now())).find(({ source }) => source === name);
  return {
    stop,
    status: statusOf,
    until: (name, isDone) =>
      until(async () => {
        const found = await statusOf(name);
        return found !== undefined && isDone(found) ? found : undefined;
      }),
  };
}

const START = Date.parse('2026-05-01T00:00:00Z');

test('one that is away, one that hangs and one that cannot be opened hold up no other; they are tried again later and later', async (context) => {
  const folder = await layouts(join(root, 'good'), 'scheduled');
  let asked = 0;
  const away = crawlError('CRAWL_SOURCE_INVALID', 'it is away');
  const pace = { interval: 600, concurrency: 1 };
  const hanging = sourceOf('hanging', async function* () {
    yield* [];
    await new Promise(() => {});
  });
  const sources: ScheduledSource[] = [
    { name: 'hanging', ...pace, open: async () => hanging },
    {
      name: 'away',
      ...pace,
      open: async () => {
        asked += 1;
        throw away;
      },
    },
    { name: 'odd', ...pace, open: () => Promise.reject(new Error('unforeseen')) },
    { name: 'good', ...pace, open: async () => folderSource(folder) },
  ];
  const clock = { now: START };
  const running = startCrawling(context, sources, clock, { longest: 1_500 });
  const good = await running.until('good', ({ succeeded }) => succeeded !== undefined);
  assert.deepEqual([good.last?.listed, good.last?.read, good.last?.failed, good.error], [1, 1, 0, undefined]);
  assert.equal(good.next.getTime(), START + 600_000);
  assert.equal((await whereIs(database.kysely, { package: 'scheduled' })).rows.length, 1);
  const failed = await running.until('away', ({ failures }) => failures === 1);
  assert.deepEqual(
    [failed.state, failed.error, failed.next.getTime()],
    ['failed', { code: 'CRAWL_SOURCE_INVALID', message: 'it is away' }, START + 60_000],
  );
  assert.equal((await running.until('odd', ({ failures }) => failures === 1)).error?.code, 'INTERNAL');
  assert.equal((await running.until('hanging', ({ failures }) => failures === 1)).error?.code, 'CRAWL_TOO_LONG');
  clock.now += 61_000;
  const again = await running.until('away', ({ failures }) => failures === 2);
  assert.equal(again.next.getTime(), clock.now + 120_000);
  assert.equal(asked, 2);
  clock.now = START + 601_000;
  const second = await running.until('good', ({ last }) => last?.unchanged === 1);
  assert.equal(second.last?.read, 0);
  await running.stop();
});

test('of two servers one crawls a source; it is taken over when the other says nothing any more', async (context) => {
  const clock = { now: START };
  const crawling: string[] = [];
  const turnOf = (owner: string): ScheduledSource => ({
    ...{ name: 'shared', interval: 60, concurrency: 1 },
    open: async () => {
      crawling.push(owner);
      return sourceOf('shared', async function* (signal) {
        yield* [];
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
      });
    },
  });
  // Neither renews in time: the beats stand still.
  const timing = { beat: 1_000_000, lease: 30_000 };
  const one = startCrawling(context, [turnOf('one')], clock, timing, 'one');
  await one.until('shared', ({ state }) => state === 'crawling');
  const two = startCrawling(context, [turnOf('two')], clock, { ...timing, beat: 20 }, 'two');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(crawling, ['one']);
  clock.now += 31_000;
  await until(async () => (crawling.includes('two') ? true : undefined));
  assert.equal((await two.status('shared'))?.state, 'crawling');
  await one.stop();
  assert.equal((await two.status('shared'))?.state, 'crawling', 'who lost its turn ends nothing of the other');
  await two.stop();
  // A server that ends in order gives its turn back.
  assert.equal((await two.status('shared'))?.state, 'waiting');
});

test('a server whose turn was taken over stops', async (context) => {
  const clock = { now: START };
  let reason: unknown;
  const source: ScheduledSource = {
    ...{ name: 'lost', interval: 60, concurrency: 1 },
    open: async () =>
      sourceOf('lost', async function* (signal) {
        yield* [];
        await new Promise((_, reject) =>
          signal.addEventListener(
            'abort',
            () => {
              reason = signal.reason;
              reject(signal.reason);
            },
            { once: true },
          ),
        );
      }),
  };
  const one = startCrawling(context, [source], clock);
  await one.until('lost', ({ state }) => state === 'crawling');
  await database.kysely.updateTable('crawl_status').set({ owner: 'two' }).where('source', '=', 'lost').execute();
  await until(async () => (reason === undefined ? undefined : true));
  assert.equal((reason as { code?: string }).code, 'CRAWL_TAKEN_OVER');
  await one.stop();
});

test('serve crawls what its fleet file names, and tells how that goes', async (context) => {
  const folder = join(root, 'serve');
  await layouts(join(folder, 'images'), 'served');
  const file = join(folder, 'heraklit.yaml');
  await writeFile(
    file,
    `apiVersion: heraklit/v1\nkind: Fleet\nimages: []\nsources:\n  - folder: images\n    interval: 3600\n  - registry: 127.0.0.1:1\n    insecure: true\n    tags: ["v*"]\n`,
  );
  const bin = join(import.meta.dirname, '../../bin/heraklit.js');
  const argv = [bin, 'serve', file, '--port', '0', '--no-rollout', '--home', join(folder, 'home')];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HERAKLIT_DATABASE: '' },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  context.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.includes('serves')) break;
  }
  const url = /serves (\S+)/.exec(said)?.[1] ?? assert.fail(said);
  const { sources } = await until(async () => {
    const answer = (await (await fetch(`${url}/api/v1/sources`)).json()) as Sources;
    return answer.sources.length === 2 && answer.sources.every(({ finished }) => finished !== null)
      ? answer
      : undefined;
  });
  assert.deepEqual(
    sources.map(({ source, state, failures, last }) => [source, state, failures, last?.read]),
    [
      [`folder:${join(folder, 'images')}`, 'waiting', 0, 1],
      ['registry:127.0.0.1:1', 'failed', 1, undefined],
    ],
  );
  assert.match(sources[1]?.error?.message ?? '', /127\.0\.0\.1:1/);
  const places = (await (await fetch(`${url}/api/v1/where?package=served`)).json()) as { places: unknown[] };
  assert.equal(places.places.length, 1);
  const metrics = await until(async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.includes('heraklit_crawl_failures{source="registry:127.0.0.1:1"} 1') ? text : undefined;
  });
  assert.match(metrics, /heraklit_crawl_images\{source="folder:[^"]*"\} 1/);
});
