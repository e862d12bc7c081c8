import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../../oci/index.ts';
import { parseCompose, parseFleet, type TestSuite } from '../../recipe/index.ts';
import { renderJunit } from '../junit.ts';
import type { TestRunner } from '../runner/port.ts';
import { commandLine } from './command-line.ts';
import { interpolate, planOfCompose, readyOf, secondsOf } from './compose.ts';
import { loadSuite, planSuite } from './load-suite.ts';
import { bytesOf, type PlanInputs, planOf } from './plan.ts';
import { redactorOf } from './redactor.ts';
import { runSuite } from './run-suite.ts';
import { atPointer, judgeAnswer } from './steps/http.ts';

const INPUTS: PlanInputs = {
  candidate: 'registry/candidate@sha256:1',
  exposed: [80],
  resolve: (image) => `registry/${image}`,
  hostFolder: (path) => `/host/${path}`,
};
const names = (suite: TestSuite): readonly string[] => planOf(suite, INPUTS).parts.map(({ part }) => part.name);
const refusal = async (work: () => unknown): Promise<{ readonly code: string; readonly message: string }> => {
  try {
    await work();
  } catch (error) {
    return error as { readonly code: string; readonly message: string };
  }
  return assert.fail('it was not refused');
};

test('what is needed comes first, the candidate after everything that is named before it', () => {
  const image = 'x';
  const services = { web: { image, needs: ['cache'] }, cache: { image, needs: ['database'] }, database: { image } };
  assert.deepEqual(names({ services }), ['database', 'cache', 'web', 'candidate']);
});

test('limits are shared, and narrowed by each; ports are those that anybody asks for', () => {
  const suite: TestSuite = {
    limits: { memory: '1GiB', pids: 100 },
    services: { database: { image: 'postgres', limits: { memory: '512m' }, ready: { tcp: 5432 } } },
    candidate: { ports: [9090], environment: { DEBUG: true, WORKERS: 4 } },
    steps: [
      { http: { port: 8080 } },
      { tcp: { service: 'database', port: 5433 } },
      { test: { image: 'client', limits: { cpus: 0.5 } } },
    ],
  };
  const { parts, tests } = planOf(suite, INPUTS);
  const [database, candidate] = parts.map(({ part }) => part);
  assert.deepEqual(database?.limits, { memory: 512 * 1024 ** 2, pids: 100 });
  assert.deepEqual(database?.ports, [5432, 5433]);
  assert.equal(database?.image, 'registry/postgres');
  assert.equal(candidate?.image, INPUTS.candidate);
  assert.deepEqual(candidate?.ports, [9090, 80, 8080]);
  assert.deepEqual(candidate?.environment, { DEBUG: 'true', WORKERS: '4' });
  assert.deepEqual(tests.get(2)?.limits, { memory: 1024 ** 3, pids: 100, cpus: 0.5 });
  assert.equal(bytesOf('1.5KiB'), 1536);
});

test('the old words are steps too', () => {
  const { steps, tests } = planOf(
    { commands: [['nginx', '-t']], http: { port: 80 }, steps: [{ log: { absent: 'x' } }] },
    INPUTS,
  );
  assert.deepEqual(
    steps.map((step) => Object.keys(step)[0]),
    ['http', 'test', 'log'],
  );
  assert.deepEqual(tests.get(1)?.entrypoint, ['nginx', '-t']);
  assert.equal(tests.get(1)?.image, INPUTS.candidate);
});

const COMPOSE = `
x-shared: &shared
  environment: { MODE: test, TOKEN: "\${TOKEN:-abcd}$$" }
services:
  candidate:
    build: .
    <<: *shared
    depends_on:
      database: { condition: service_healthy }
      migrate: { condition: service_completed_successfully }
    ports: ["127.0.0.1:8080:80", 9090, { target: 7070 }]
    volumes: [data:/data:ro, /cache, { type: tmpfs, target: /run }]
    networks: { back: { aliases: [web.internal] } }
    mem_limit: 64m
    cpus: "0.5"
  migrate:
    image: app
    command: sh -c "migrate --to 'v 1'" plain\\ word
    depends_on: [database]
    networks: [back]
  database:
    image: postgres:17
    environment: [A=1=2, B=]
    healthcheck: { test: pg_isready -q, interval: 2s, timeout: 1s, retries: 4, start_period: 1m30s }
    networks: [back]
networks: { back: }
volumes: { data: }
`;

test('a compose file is read as the Compose Specification says', () => {
  const { parts } = planOfCompose(parseCompose(COMPOSE), { steps: [{ http: { port: 6060 } }] }, INPUTS);
  assert.deepEqual(
    parts.map(({ part }) => part.name),
    ['database', 'migrate', 'candidate'],
  );
  const [database, migrate, candidate] = parts;
  assert.deepEqual(database?.ready, { exec: ['/bin/sh', '-c', 'pg_isready -q'], within: 90 + 4 * 3 });
  assert.deepEqual(database?.part.environment, { A: '1=2', B: '' });
  assert.deepEqual(migrate?.part.command, ['sh', '-c', "migrate --to 'v 1'", 'plain word']);
  assert.deepEqual(migrate?.needs, { database: 'started' });
  assert.deepEqual(candidate?.needs, { database: 'ready', migrate: 'completed' });
  assert.deepEqual(candidate?.part.ports, [80, 9090, 7070, 6060]);
  assert.deepEqual(candidate?.part.environment, { MODE: 'test', TOKEN: 'abcd$' });
  assert.deepEqual(candidate?.part.aliases, ['web.internal']);
  assert.deepEqual(candidate?.part.tmpfs, ['/run']);
  assert.deepEqual(candidate?.part.mounts, [
    { path: '/data', readOnly: true, source: { kind: 'volume', name: 'data' } },
    { path: '/cache', readOnly: false, source: { kind: 'volume', name: 'candidate-2' } },
  ]);
  assert.deepEqual(candidate?.part.limits, { memory: 64 * 1024 ** 2, cpus: 0.5 });
  assert.equal(candidate?.part.image, INPUTS.candidate);
});

test('what a compose file cannot have here is refused with its line', async () => {
  const wrong = async (text: string) =>
    (await refusal(() => parseCompose(`services:\n  candidate: {}\n${text}`, 'c.yaml'))).message;
  assert.match(
    await wrong('  a: { image: x, privileged: true }'),
    /c\.yaml:3:\d+: services\.a\.privileged: unknown key/,
  );
  assert.match(await wrong('  a: { build: . }'), /"image" is missing[\s\S]*tests build nothing/);
  assert.match(
    await wrong('  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [a] }'),
    /need each other: a → b → a/,
  );
  assert.match(await wrong('  a: { image: x, depends_on: [c] }'), /there is no service c/);
  assert.match(await wrong('  a: { image: x, networks: [front] }'), /there is no network front/);
  assert.match(await wrong(`  a: { image: "\${IMAGE}" }`), /the variable IMAGE has no default/);
  assert.match(await wrong('  a: { image: x, ports: [53/udp] }'), /expected a TCP port/);
  assert.match(
    (await refusal(() => parseCompose('services: { a: { image: x } }'))).message,
    /no service is called candidate/,
  );
  assert.match((await refusal(() => parseCompose('services: ['))).message, /compose:1/);
});

test('durations, variables and command lines', () => {
  assert.equal(secondsOf('1h2m3s500ms'), 3723.5);
  assert.equal(interpolate(`a$$b \${X:-} \${Y:-z}`), 'a$b  z');
  assert.equal(readyOf({ test: ['NONE'] }), undefined);
  assert.deepEqual(readyOf({ test: ['CMD', 'true'] })?.exec, ['true']);
  assert.deepEqual(commandLine(`a "b c" 'd "e' f\\ g "h\\"i" ""`), ['a', 'b c', 'd "e', 'f g', 'h"i', '']);
  // Whatever is quoted comes back as it was.
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
      assert.deepEqual(commandLine(quoted), words);
    }),
  );
});

test('a fleet file says where its tests are wrong', async () => {
  const fleet = async (verify: string) =>
    (
      await refusal(() =>
        parseFleet(`apiVersion: heraklit/v1\nkind: Fleet\nimages: [{ recipe: a.yaml }]\nverify: ${verify}\n`),
      )
    ).message;
  assert.match(
    await fleet('{ steps: [{ http: {}, tcp: { port: 1 } }] }'),
    /fleet:4:\d+: verify\.steps\[0\]: exactly one of http, tcp/,
  );
  assert.match(await fleet('{ steps: [{ http: { service: db } }] }'), /there is no service db/);
  assert.match(await fleet('{ steps: [{ log: { matches: "(" } }] }'), /no regular expression/);
  assert.match(await fleet('{ steps: [{ exec: { comand: [a] } }] }'), /did you mean "command"/);
  assert.match(
    await fleet('{ services: { a: { image: x, needs: [b] }, b: { image: x, needs: [a] } } }'),
    /need each other/,
  );
  assert.match(await fleet('{ services: { candidate: { image: x } } }'), /the name of the image under test/);
  assert.match(await fleet('{ services: { a: { image: x, ready: {} } } }'), /exactly one of tcp, http, exec, log/);
  assert.match(await fleet('{ compose: c.yaml, services: {} }'), /the compose file says this/);
  assert.match(await fleet('{ limits: { memory: much } }'), /a size as 512MiB/);
  assert.match(await fleet('{ compose: /etc/c.yaml }'), /a path below/);
});

test('commands and folders of this host have to be allowed by the fleet file, not by the file of tests', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-suite-'));
  try {
    const file = (text: string) => writeFile(join(folder, 't.yaml'), `apiVersion: heraklit/v1\nkind: Tests\n${text}`);
    await file('steps: [{ run: { command: [true] } }]');
    assert.match(
      (await refusal(() => loadSuite({ tests: 't.yaml' }, folder))).message,
      /t\.yaml:3:\d+: steps\[0\]\.run\.command\[0\]/,
    );
    await file('steps: [{ run: { command: ["true"] } }]\ntimeout: 9');
    assert.equal((await refusal(() => loadSuite({ tests: 't.yaml' }, folder))).code, 'VERIFY_TESTS_INVALID');
    const allowed = await loadSuite({ tests: 't.yaml', allow: ['run'], timeout: 5 }, folder);
    assert.equal(allowed.suite.timeout, 5);
    await file('candidate: { volumes: ["./data:/data"] }');
    const mounts = await loadSuite({ tests: 't.yaml' }, folder);
    assert.equal((await refusal(() => planSuite(mounts, INPUTS))).code, 'VERIFY_TESTS_INVALID');
    const { parts } = planSuite({ ...mounts, allow: ['mounts'] }, INPUTS);
    assert.equal(parts[0]?.part.mounts[0]?.source.name, join(folder, 'data'));
    await file('allow: [run]');
    assert.match((await refusal(() => loadSuite({ tests: 't.yaml' }, folder))).message, /unknown key "allow"/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('answers are judged by status, text and JSON', () => {
  const answer = (status: number, body = '') => ({ status, body, truncated: false });
  assert.equal(judgeAnswer(answer(302), {}).problem, undefined);
  assert.match(judgeAnswer(answer(500, 'oops'), {}).problem ?? '', /answers 500: oops/);
  assert.match(judgeAnswer(answer(200), { status: [201, 202] }).problem ?? '', /not 201 or 202/);
  assert.match(judgeAnswer(answer(200, 'abc'), { matches: '^b' }).problem ?? '', /does not match/);
  assert.equal(judgeAnswer(answer(200, 'a\nb'), { matches: '^b$', contains: 'a' }).problem, undefined);
  assert.match(judgeAnswer(answer(200, '<html>'), { json: { '': 1 } }).problem ?? '', /no JSON/);
  assert.equal(
    judgeAnswer(answer(200, '{"a":{"b/c":[1,{"d":null}]}}'), { json: { '/a/b~1c/1/d': null, '/a/b~1c/0': 1 } }).problem,
    undefined,
  );
  assert.equal(atPointer({ a: 1 }, '/constructor'), undefined);
});

test('values of telling variables are taken out, the longest first', () => {
  const suite: TestSuite = {
    services: { database: { image: 'x', environment: { POSTGRES_PASSWORD: 'hunter2', HOST: 'database' } } },
    steps: [{ test: { environment: { API_KEY: 'hunter22' } } }],
  };
  const redact = redactorOf(planOf(suite, INPUTS));
  assert.equal(redact('hunter22 hunter2 database Bearer abc'), '*** *** database Bearer ***');
});

test('JUnit says what failed, and is XML whatever a container wrote', () => {
  const step = { name: 'a "b" <c>', kind: 'http' as const, passed: false, detail: 'x\u0000&\ud800y', milliseconds: 12 };
  const xml = renderJunit('web:1', {
    digest: digestOf('x'),
    passed: false,
    steps: [step, { ...step, passed: true }],
    mode: 'engine',
    logs: [{ part: 'candidate', text: ']]> \u001b[31mred 😀', truncated: false }],
    environment: 'engine & away',
    milliseconds: 1500,
  });
  assert.match(xml, /<testsuite name="web:1" tests="3" failures="1" errors="1" time="1\.500">/);
  assert.match(xml, /name="a &quot;b&quot; &lt;c&gt;"/);
  assert.match(xml, /<failure message="x&amp;y"\/>/);
  assert.match(xml, /\]\]&gt; \[31mred 😀/);
});

test('where nothing can be opened the environment is to blame; an error of ours is an error', async () => {
  const runner = (thrown: Error): TestRunner => ({
    name: 'broken',
    unavailable: async () => undefined,
    reap: async () => 0,
    open: async () => {
      throw thrown;
    },
  });
  const options = { folder: '.', signal: undefined };
  const away = Object.assign(await refusalOfEngine(), {});
  assert.match((await runSuite(planOf({}, INPUTS), runner(away), options)).environment ?? '', /away/);
  await assert.rejects(runSuite(planOf({}, INPUTS), runner(new TypeError('ours')), options), /ours/);
});

async function refusalOfEngine(): Promise<Error> {
  const { verifyError } = await import('../errors.ts');
  return verifyError('VERIFY_ENVIRONMENT', 'the engine is away');
}
