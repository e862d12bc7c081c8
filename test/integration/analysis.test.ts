import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnalysisMetric, AnalysisSettings } from '../../src/analysis/index.ts';
import { type Database, openDatabase } from '../../src/database/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { type AnalysedSlot, measuredAnalysis, measurementsOf } from '../../src/rollout/index.ts';
import type { MemberObserver, RolloutStep, StepVerdict } from '../../src/runtime/index.ts';
import { prometheusServer, startPrometheus, type TestPrometheus } from '../support/prometheus.ts';

const DIGEST: Digest = `sha256:${'b'.repeat(64)}`;
const STEP: RolloutStep = {
  index: 1,
  count: 3,
  weight: 20,
  before: { image: 'r.example/web:1', members: ['web-old-x', 'web-old-y'], selector: 'app=web,hash=old' },
  after: { image: `r.example/web@${DIGEST}`, members: ['web-new.z'], selector: 'app=web,hash=new' },
};
const WORKLOAD: AnalysedSlot['workload'] = {
  id: 'kubernetes:test/shop/Deployment/web',
  ...{ kind: 'Deployment', name: 'web', namespace: 'shop', image: 'r.example/web:1', digest: undefined },
  ...{ containers: [], replicas: 3 },
};
const root = await mkdtemp(join(tmpdir(), 'heraklit-analysis-'));
const database: Database = await openDatabase({ kind: 'embedded', directory: join(root, 'database') });
after(async () => {
  await database.close();
  await rm(root, { recursive: true, force: true });
});

/** Each measurement of a case is kept apart by its own beginning. */
let clock = Date.UTC(2030, 0, 1);

async function judge(
  settings: Omit<AnalysisSettings, 'metrics'> & { readonly metrics: readonly AnalysisMetric[] },
  more: { members?: MemberObserver; since?: number; environment?: Record<string, string>; step?: RolloutStep } = {},
) {
  clock += 1_000_000;
  const since = more.since ?? clock;
  const analysis = measuredAnalysis({
    database,
    folder: root,
    environment: more.environment ?? {},
    settings: () => ({ warmup: 0, interval: 1, count: 2, inconclusiveLimit: 1, ...settings }),
    now: () => since + 60_000,
    wait: async (_, signal) => signal.throwIfAborted(),
  });
  const slot: AnalysedSlot = {
    ...{ workload: WORKLOAD, container: 'app', previous: 'r.example/web:1', image: STEP.after.image, digest: DIGEST },
    since,
    ...(more.members === undefined ? {} : { members: more.members }),
  };
  const ongoing = await analysis.begin(more.step ?? STEP, slot, new AbortController().signal);
  try {
    let verdict: StepVerdict | undefined;
    while (verdict === undefined) {
      verdict = await ongoing.verdict();
      await sleep(5);
    }
    const place = { workload: WORKLOAD.id, container: 'app', digest: DIGEST };
    const kept = (await measurementsOf(database.kysely, place, new Date(since))).filter(
      (one) => one.since.getTime() === since,
    );
    return { verdict, kept };
  } finally {
    await ongoing.end();
  }
}

async function serving<T>(listener: RequestListener, body: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('a real Prometheus', () => {
  let prometheus: TestPrometheus | undefined;
  after(async () => await prometheus?.stop());

  test('compares the sides, counts samples, and goes on or back', { timeout: 120_000 }, async (context) => {
    const server = prometheusServer();
    if (server === undefined) return context.skip('prometheus not installed');
    const counts = new Map<string, number>();
    let bad = 0;
    const exporter = (): string => {
      const count = (pod: string, code: string, by: number): string => {
        const key = `pod="${pod}",code="${code}"`;
        counts.set(key, (counts.get(key) ?? 0) + by);
        return `http_requests_total{namespace="shop",${key}} ${counts.get(key)}`;
      };
      const lines = ['# TYPE http_requests_total counter'];
      for (const pod of ['web-old-x', 'web-old-y', 'web-new.z', 'web-newXz']) {
        // What a dot that matches any letter would count, too.
        const own = pod === 'web-newXz' ? 500 : pod === 'web-new.z' ? bad : 1;
        lines.push(count(pod, '200', 99), count(pod, '500', own));
      }
      return `${lines.join('\n')}\n`;
    };
    prometheus = await startPrometheus(server, exporter);
    const { url, caFile, username, password } = prometheus;
    const endpoint = { url, caFile, auth: { username, passwordEnv: 'READER' } };
    const environment = { READER: password };
    const of = 'namespace="{{namespace}}",pod=~"{{side.members}}"';
    const rate = (more: string): string => `sum(rate(http_requests_total{${of}${more}}[2s]))`;
    const metric: AnalysisMetric = {
      name: 'errors',
      prometheus: {
        ...endpoint,
        query: `${rate(',code=~"5.."')} / ${rate('')}`,
        samples: { query: `sum(increase(http_requests_total{${of}}[2s]))`, min: 10 },
      },
      compare: { factor: 2, difference: 0.02 },
    };
    const settings = { metrics: [metric], inconclusiveLimit: 1_000 };
    const good = await judge(settings, { environment });
    assert.deepEqual(good.verdict, { kind: 'go' });
    const [last] = good.kept.slice(-1);
    assert.ok((last?.after ?? 1) < 0.02 && (last?.before ?? 0) > 0.005, JSON.stringify(last));

    bad = 60;
    // The rate rises over two seconds; a measurement now and then may still be good.
    const result = await judge({ ...settings, count: 500 }, { environment });
    assert.equal(result.verdict.kind, 'back');
    assert.ok('blame' in result.verdict && result.verdict.blame === 'image');
    assert.match(result.verdict.reason, /^errors: 0\.\d+, 0\.01 on the old side, above 0\.03 \(2 of \d+ measurements/);

    const short = async (more: Partial<typeof endpoint> & { query?: string; min?: number }) => {
      const { query = 'vector(1)', min, ...own } = more;
      const samples = min === undefined ? {} : { samples: { query: 'scalar(vector(5))', min } };
      const asked = { ...metric, compare: undefined, max: 1, prometheus: { ...endpoint, ...own, query, ...samples } };
      const { compare, ...plain } = asked;
      const { verdict } = await judge({ metrics: [plain] }, { environment });
      return 'reason' in verdict ? `${verdict.blame}: ${verdict.reason}` : verdict.kind;
    };
    assert.equal(await short({ min: 5 }), 'go');
    assert.match(await short({ min: 6 }), /^environment: .*5 samples, fewer than 6/);
    assert.match(await short({ query: 'vector(0) / vector(0)' }), /environment: .*not a number/);
    assert.match(await short({ query: 'vector(1) / vector(0)' }), /image: .*Infinity, above 1/);
    assert.match(await short({ query: 'nothing_of_that_name' }), /the query finds nothing/);
    assert.match(await short({ query: 'http_requests_total' }), /gives 8 series: aggregate/);
    assert.match(await short({ query: 'http_requests_total[1m]' }), /gives a matrix/);
    assert.match(await short({ query: 'sum(' }), /answers 400 .*parse error/);
    assert.match(await short({ query: '"text"' }), /gives a string/);
    assert.match(await short({ auth: { username, passwordEnv: 'NOBODY' } }), /NOBODY is not set/);
    const none = { ...endpoint, caFile: undefined } as unknown as typeof endpoint;
    assert.match(await short(none), /environment: .*(certificate|self.signed)/i);
    await writeFile(join(root, 'wrong'), 'sesame, open\n');
    assert.match(
      await short({ auth: { username, passwordFile: join(root, 'wrong') } as unknown as typeof endpoint.auth }),
      /answers 401/,
    );
  });
});

const http = (url: string, more: object = {}): AnalysisMetric => ({
  name: 'latency',
  http: { url: `${url}/{{side.members}}`, pointer: '/p99', timeout: 1, ...more },
  max: 100,
});
const reasonOf = ({ verdict }: { verdict: StepVerdict }): string =>
  'reason' in verdict ? `${verdict.blame}: ${verdict.reason}` : verdict.kind;

test('answers of hostile servers are no answers', async () => {
  const cases: readonly (readonly [RequestListener, RegExp])[] = [
    [(_, response) => response.end('{"p99":"NaN"}'), /no number/],
    [(_, response) => response.end('{"p99":{"valueOf":1}}'), /no number/],
    [(_, response) => response.end('<html>'), /not answer with JSON/],
    [(_, response) => response.end(`{"p99":1,"x":"${'x'.repeat(5 * 1024 * 1024)}"}`), /more than 4194304 bytes/],
    [(_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /redirects elsewhere/],
    [(_, response) => response.writeHead(503).end('{"error":"password=hunter2"}'), /answers 503 password="\*\*\*"$/],
    [() => undefined, /within 1 s/],
    [(_, response) => response.write('{"p99":'), /within 1 s/],
    [(request) => request.socket.destroy(), /socket hang up|ECONNRESET/],
  ];
  for (const [listener, expected] of cases) {
    const reason = await serving(listener, async (url) =>
      reasonOf(await judge({ metrics: [http(url)], inconclusiveLimit: 0 })),
    );
    assert.match(reason, /^environment: latency: 1 measurements without an answer/);
    assert.match(reason, expected);
  }
});

test('a token goes where it belongs, from a file that is renewed, and nowhere into what is kept', async () => {
  const seen: (string | undefined)[] = [];
  await writeFile(join(root, 'token'), 'first-secret\n');
  const listener: RequestListener = async ({ headers, url }, response) => {
    seen.push(`${url} ${headers.authorization ?? headers['x-api-key']}`);
    await writeFile(join(root, 'token'), 'second-secret\n');
    response.end(url?.includes('new') === true ? '{"p99": 250, "n": 40}' : '{"p99": 90, "n": 1000}');
  };
  await serving(listener, async (url) => {
    const compare = { compare: { factor: 2 }, max: 1_000 };
    const samples = { samples: { pointer: '/n', min: 30 } };
    const { verdict, kept } = await judge({
      metrics: [{ ...http(url, { auth: { tokenFile: 'token' }, ...samples }), ...compare }],
      failureLimit: 0,
    });
    assert.deepEqual(verdict, {
      kind: 'back',
      reason: 'latency: 250, 90 on the old side, above 180 (1 of 1 measurements were bad)',
      blame: 'image',
    });
    assert.deepEqual([kept[0]?.after, kept[0]?.before, kept[0]?.outcome], [250, 90, 'bad']);
    const few = { samples: { pointer: '/n', min: 41 } };
    const own = { auth: { tokenEnv: 'TOKEN', header: 'X-API-Key' } };
    const result = await judge(
      { metrics: [{ ...http(url, { ...own, ...few }), ...compare }], onInconclusive: 'go' },
      { environment: { TOKEN: 'third-secret' } },
    );
    assert.deepEqual(result.verdict, { kind: 'go' });
    assert.match(result.kept[0]?.detail ?? '', /40 samples, fewer than 41/);
  });
  assert.deepEqual(seen.slice(0, 2).sort(), [
    '/web-new.z Bearer first-secret',
    '/web-old-x%2Cweb-old-y Bearer first-secret',
  ]);
  assert.match(seen[2] ?? '', / third-secret$/);
  const all = await database.kysely.selectFrom('rollout_measurement').select('detail').execute();
  assert.doesNotMatch(JSON.stringify(all), /secret/);
});

test('credentials that are not there are told and put up with, as an endpoint that is not there', async () => {
  const missing = await serving(
    (_, response) => response.end('{"p99":1}'),
    async (url) => reasonOf(await judge({ metrics: [http(url, { auth: { tokenFile: 'nowhere' } })] })),
  );
  // ANALYSIS_CREDENTIALS_MISSING
  assert.match(missing, /^environment: .*nowhere cannot be read: ENOENT/);
});

test('restarts and log lines come from the runtime', async () => {
  const lines = (name: string): readonly string[] =>
    name.includes('new') ? ['ERROR 1', 'ok', 'ERROR 2'] : ['ERROR', 'ok'];
  const members: MemberObserver = {
    restarts: async ({ name }) => (name.includes('gone') ? undefined : 2),
    output: async ({ name, namespace, container }, since) => {
      assert.deepEqual([namespace, container], ['shop', 'app']);
      assert.equal((since.getTime() - clock) % 1_000, 0);
      return { lines: lines(name), from: undefined };
    },
  };
  const logs: AnalysisMetric = { name: 'log', logs: { pattern: '^ERROR' }, compare: { factor: 1.5 } };
  assert.equal(
    reasonOf(await judge({ metrics: [logs] }, { members })),
    'image: log: 2, 1 on the old side, above 1.5 (2 of 2 measurements were bad)',
  );
  const restarts: AnalysisMetric = { name: 'restarts', restarts: true, max: 1 };
  assert.equal(
    reasonOf(await judge({ metrics: [restarts] }, { members })),
    'image: restarts: 2, above 1 (2 of 2 measurements were bad)',
  );
  assert.equal(reasonOf(await judge({ metrics: [{ ...restarts, max: 2 }] }, { members })), 'go');
  assert.match(reasonOf(await judge({ metrics: [restarts] })), /^environment: .*does not count restarts/);
  const failing: MemberObserver = { ...members, restarts: () => Promise.reject(new Error('the API server is away')) };
  assert.match(reasonOf(await judge({ metrics: [restarts] }, { members: failing })), /^environment: .*is away/);
});

test('measurements of a process that died count', async () => {
  const restarts: AnalysisMetric = { name: 'restarts', restarts: true, max: 1 };
  const counting = (values: readonly number[]): { members: MemberObserver; asked: () => number } => {
    let asked = 0;
    const restartsOf = async (): Promise<number> => values[asked++] ?? Number.NaN;
    return { members: { restarts: restartsOf, output: async () => undefined }, asked: () => asked };
  };
  const since = Date.UTC(2031, 0, 1);
  const dies = counting([5]);
  const first = await judge({ metrics: [restarts], count: 1 }, { members: dies.members, since });
  assert.deepEqual(first.verdict, { kind: 'go' });
  const next = counting([5, 0, 0]);
  const second = await judge({ metrics: [restarts], count: 3 }, { members: next.members, since });
  assert.equal(second.verdict.kind, 'back');
  assert.equal(next.asked(), 1);
  assert.equal(second.kept.length, 2);
});

test('a database that is away is met by whoever asks, and an end ends the wait', async () => {
  const analysis = measuredAnalysis({
    ...{ database, folder: root, environment: {} },
    settings: () => ({ warmup: 86_400, metrics: [{ name: 'restarts', restarts: true, max: 1 }] }),
  });
  const slot = { workload: WORKLOAD, container: 'app', previous: '', image: '', digest: DIGEST, since: Date.now() };
  const ongoing = await analysis.begin(STEP, slot, new AbortController().signal);
  assert.equal(await ongoing.verdict(), undefined);
  await ongoing.end();
  const nothing = measuredAnalysis({ ...{ database, folder: root, environment: {} }, settings: () => undefined });
  assert.deepEqual(await (await nothing.begin(STEP, slot, new AbortController().signal)).verdict(), { kind: 'go' });
});
