/** Webhooks of forges: signatures made by openssl, payloads in the shapes of their public documentation, cut to what matters. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { fixedClock, isHeraklitError } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { commitStatusSink, refreshRequests, statusReporter, webhookReceiver } from '../../src/engine/index.ts';
import type { HeraklitEvent } from '../../src/events/index.ts';
import { defaultApi, type Forge, isSigned, postStatus, repositoryAt, repositoryKey } from '../../src/forge/index.ts';
import { serveHttp } from '../../src/http/index.ts';
import { memoryEventStream, sampleQueries } from '../support/sample-fleet.ts';

const SECRET = "It's a Secret to Everybody";
const hmac = (body: string, form: '-hex' | '-binary' = '-hex'): Buffer =>
  execFileSync('openssl', ['dgst', '-sha256', '-hmac', SECRET, form === '-hex' ? '-r' : '-binary'], { input: body });
const hex = (body: string): string => hmac(body).toString().slice(0, 64);

const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246';
const PAYLOADS = {
  // https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
  github: {
    ref: 'refs/heads/main',
    before: '0000000000000000000000000000000000000000',
    after: COMMIT,
    repository: {
      full_name: 'Codertocat/Hello-World',
      clone_url: 'https://github.com/Codertocat/Hello-World.git',
      ssh_url: 'git@github.com:Codertocat/Hello-World.git',
      html_url: 'https://github.com/Codertocat/Hello-World',
    },
  },
  // https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
  gitlab: {
    object_kind: 'push',
    ref: 'refs/heads/main',
    after: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
    checkout_sha: COMMIT,
    project: {
      path_with_namespace: 'mike/diaspora',
      web_url: 'http://gitlab.example.com/mike/diaspora',
      git_ssh_url: 'git@gitlab.example.com:mike/diaspora.git',
      git_http_url: 'http://gitlab.example.com/mike/diaspora.git',
    },
  },
  // https://docs.gitea.com/usage/webhooks#event-information
  gitea: {
    ref: 'refs/heads/main',
    before: '28e1879d029cb852e4844d9c718537df08844e03',
    after: 'bffeb74224043ba2feb48d137756c8a9331c449a',
    repository: {
      full_name: 'gitea/webhooks',
      html_url: 'https://gitea.example.com/gitea/webhooks',
      ssh_url: 'ssh://git@gitea.example.com/gitea/webhooks.git',
      clone_url: 'https://gitea.example.com/gitea/webhooks.git',
    },
  },
} as const;

type Headers = Readonly<Record<string, string>>;
const headersOf = {
  github: (body: string, id: string, event = 'push'): Headers => ({
    'x-github-event': event,
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${hex(body)}`,
  }),
  gitlab: (_: string, id: string, event = 'Push Hook'): Headers => ({
    'x-gitlab-event': event,
    'idempotency-key': id,
    'x-gitlab-token': SECRET,
  }),
  gitea: (body: string, id: string, event = 'push'): Headers => ({
    'x-gitea-event': event,
    'x-gitea-delivery': id,
    'x-gitea-signature': hex(body),
  }),
};

const KINDS = ['github', 'gitlab', 'gitea'] as const;

// One database for all: opening it is what takes time here.
const folder = await mkdtemp(join(tmpdir(), 'webhook-'));
const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
after(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

function bench(fleet: string) {
  const forges = KINDS.map(
    (kind): Forge => ({ kind, url: `https://${kind}.example.com`, api: 'http://x', webhookSecret: async () => SECRET }),
  );
  const images = [
    { image: 'hello', url: 'git@github.com:codertocat/hello-world.git', ref: 'main' },
    { image: 'hello-tag', url: 'https://github.com/Codertocat/Hello-World', ref: 'v1' },
    { image: 'hello-head', url: 'https://github.com/Codertocat/Hello-World/', ref: undefined },
    { image: 'hello-pinned', url: 'https://github.com/Codertocat/Hello-World', ref: COMMIT },
    { image: 'diaspora', url: 'https://gitlab.example.com/mike/diaspora.git', ref: 'refs/heads/main' },
    { image: 'webhooks', url: 'https://gitea.example.com/gitea/webhooks', ref: 'main' },
  ];
  return { receiver: webhookReceiver({ database, fleet, forges, images }) };
}

test('signatures are those that openssl makes, and the documented one', () => {
  const body = Buffer.from('Hello, World!');
  // The test value of GitHub's documentation.
  const documented = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  assert.ok(isSigned('github', { 'x-hub-signature-256': documented }, body, SECRET, 0));
  assert.equal(`sha256=${hex('Hello, World!')}`, documented);
  for (const wrong of ['', 'sha256=', documented.slice(7), documented.toUpperCase(), `${documented}0`, 'sha256=é'])
    assert.ok(!isSigned('github', { 'x-hub-signature-256': wrong }, body, SECRET, 0), wrong);
  assert.ok(!isSigned('github', { 'x-hub-signature-256': documented }, body, '', 0));
  assert.ok(!isSigned('github', {}, body, SECRET, 0));
  assert.ok(!isSigned('gitlab', { 'x-gitlab-token': `${SECRET} ` }, body, SECRET, 0));
  // GitLab's signing token: id, time and body, as the Standard Webhooks specification has it.
  const right = hmac('id-1.1000.Hello, World!', '-binary').toString('base64');
  const standard = { 'webhook-id': 'id-1', 'webhook-timestamp': '1000', 'webhook-signature': `v1,eA== v1,${right}` };
  assert.ok(isSigned('gitlab', standard, body, SECRET, 1_200));
  assert.ok(isSigned('gitlab', standard, body, `whsec_${Buffer.from(SECRET).toString('base64')}`, 1_200));
  assert.ok(!isSigned('gitlab', standard, body, SECRET, 1_400), 'too old');
  assert.ok(!isSigned('gitlab', { ...standard, 'webhook-id': 'id-2' }, body, SECRET, 1_200), 'another id');
});

test('a push starts exactly the images of that repository and ref, once for a delivery', async () => {
  const { receiver } = bench('fleet');
  const send = (kind: (typeof KINDS)[number], id: string, change: object = {}, event?: string) => {
    const body = JSON.stringify({ ...PAYLOADS[kind], ...change });
    return receiver.receive(kind, headersOf[kind](body, id, event), Buffer.from(body));
  };
  assert.deepEqual(await send('github', 'a'), { result: 'accepted', images: ['hello', 'hello-head'] });
  assert.deepEqual(await send('github', 'a'), { result: 'duplicate' });
  assert.deepEqual(await send('github', 'tag', { ref: 'refs/tags/v1' }), { result: 'accepted', images: ['hello-tag'] });
  assert.deepEqual(await send('gitlab', 'a'), { result: 'accepted', images: ['diaspora'] });
  assert.deepEqual(await send('gitea', 'a'), { result: 'accepted', images: ['webhooks'] });
  const other = { repository: { clone_url: 'https://github.com/codertocat/other.git' } };
  assert.equal((await send('github', 'b', other)).result, 'ignored');
  assert.equal((await send('github', 'c', { ref: 'refs/heads/wip' })).result, 'accepted', 'HEAD may be any branch');
  assert.equal((await send('gitea', 'd', { ref: 'refs/heads/wip' })).result, 'ignored');
  assert.equal((await send('gitea', 'e', { after: '0'.repeat(40) })).result, 'ignored');
  assert.deepEqual(await send('github', 'f', {}, 'ping'), { result: 'ping' });
  assert.equal((await send('github', 'g', {}, 'issues')).result, 'ignored');
  assert.equal((await send('gitlab', 'h', { ref: 'refs/tags/main' }, 'Tag Push Hook')).result, 'ignored');
  const requests = await refreshRequests(database, 'fleet');
  assert.deepEqual([...requests.images].sort(), ['diaspora', 'hello', 'hello-head', 'hello-tag', 'webhooks']);
  // Asked for again while a round looks: it stays.
  await new Promise((resolve) => setTimeout(resolve, 2));
  await send('gitea', 'later');
  await requests.done();
  assert.deepEqual([...(await refreshRequests(database, 'fleet')).images], ['webhooks']);
  // As a form, which GitHub and Gitea offer.
  const form = new URLSearchParams({ payload: JSON.stringify(PAYLOADS.gitea) }).toString();
  const headers = { ...headersOf.gitea(form, 'form'), 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await receiver.receive('gitea', headers, Buffer.from(form))).result, 'accepted');
  for (const change of [
    { ref: 7 },
    { ref: 'main' },
    { after: 'x' },
    { repository: null },
    { repository: { clone_url: 1 } },
  ])
    await assert.rejects(send('github', `bad${JSON.stringify(change)}`.replaceAll(' ', ''), change), {
      code: 'FORGE_DELIVERY_INVALID',
    });
  for (const body of ['', '[]', 'null', '{', '"x"'])
    await assert.rejects(receiver.receive('github', headersOf.github(body, 'x'), Buffer.from(body)), {
      code: 'FORGE_DELIVERY_INVALID',
    });
  for (const id of ['', 'a b', 'é', 'x'.repeat(300)])
    await assert.rejects(send('github', id), { code: 'FORGE_DELIVERY_INVALID' });
});

test('over HTTP: open without account, refused without the right signature, bounded', async (context) => {
  const { receiver } = bench('http');
  const events = memoryEventStream();
  const { server, url } = await serveHttp(
    { queries: sampleQueries, events, web: '/nonexistent', webhooks: receiver },
    { host: '127.0.0.1', port: 0, accounts: false, anonymous: 'read' },
  );
  context.after(() => server.close());
  const body = JSON.stringify(PAYLOADS.github);
  const post = async (headers: Headers, content: string | Buffer = body) => {
    const answer = await fetch(`${url}/api/v1/webhooks/github`, {
      method: 'POST',
      headers,
      body: new Uint8Array(Buffer.from(content)),
    });
    return { status: answer.status, json: (await answer.json()) as { result?: string; error?: { code: string } } };
  };
  const json = { 'content-type': 'application/json' };
  const right = { ...json, ...headersOf.github(body, 'http-one') };
  assert.deepEqual((await post(right)).json.result, 'accepted');
  assert.deepEqual((await post(right)).json.result, 'duplicate');
  for (const headers of [json, { ...right, 'x-hub-signature-256': `sha256=${hex(`${body} `)}` }]) {
    const refused = await post(headers);
    assert.deepEqual([refused.status, refused.json.error?.code], [401, 'FORGE_SIGNATURE_REFUSED']);
  }
  assert.equal(
    (await post({ ...right, 'x-hub-signature-256': 'sha256=00' }, Buffer.alloc(26 * 1024 * 1024))).status,
    400,
  );
  // Bodies that never end: a few are waited for, the next sender is told to come back.
  const open = Array.from({ length: 8 }, () => {
    const request = httpRequest(`${url}/api/v1/webhooks/github`, {
      method: 'POST',
      headers: { ...json, 'content-length': '100' },
    });
    request.on('error', () => undefined);
    request.write('{');
    return request;
  });
  let busy = await post(right);
  for (let tries = 0; busy.status !== 503 && tries < 200; tries += 1) busy = await post(right);
  assert.deepEqual([busy.status, busy.json.error?.code], [503, 'HTTP_TOO_MANY_WEBHOOKS']);
  for (const request of open) request.destroy();
  let free = await post(right);
  for (let tries = 0; free.status !== 202 && tries < 200; tries += 1) free = await post(right);
  assert.equal(free.status, 202);
});

test('repositories are known by every spelling of their URL', () => {
  const spellings = [
    'https://Git.example.org/team/App.git',
    'git@git.example.org:team/app',
    'ssh://git@git.example.org:22/team/app/',
  ];
  assert.deepEqual([...new Set(spellings.map(repositoryKey))], ['git.example.org/team/app']);
  const gitlab: Forge = { kind: 'gitlab', url: 'https://git.example.org/forge/', api: '' };
  assert.equal(repositoryAt(gitlab, 'https://git.example.org/forge/a/b/c.git'), 'a/b/c');
  assert.equal(repositoryAt(gitlab, 'git@git.example.org:a/b/c.git'), 'a/b/c');
  assert.equal(repositoryAt(gitlab, 'https://other.example.org/a/b'), undefined);
  assert.equal(defaultApi('github', 'https://github.com'), 'https://api.github.com');
  assert.equal(defaultApi('github', 'https://ghe.example.org/'), 'https://ghe.example.org/api/v3');
  assert.equal(defaultApi('gitlab', 'https://git.example.org/forge'), 'https://git.example.org/forge/api/v4');
});

/** A peer that takes statuses as the forges document it, and answers what it is told to. */
async function statusPeer(context: TestContext) {
  const seen: { readonly line: string; readonly headers: Headers; readonly body: Record<string, string> }[] = [];
  const answers: { readonly status: number; readonly headers?: Headers; readonly body?: object }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      seen.push({
        line: `${request.method} ${request.url}`,
        headers: request.headers as Headers,
        body: JSON.parse(text),
      });
      const { status, headers = {}, body = { id: 1 } } = answers.shift() ?? { status: 201 };
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { seen, answers, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('statuses in the form of each forge; what it refuses for now is told apart from what it refuses', async (context) => {
  const peer = await statusPeer(context);
  const forge = (kind: Forge['kind']): Forge => ({
    kind,
    url: 'https://git.example.org',
    api: peer.url,
    token: async () => 't0k3n',
  });
  const status = {
    ...{ repository: 'group/sub/app', commit: COMMIT, context: 'heraklit/web', targetUrl: 'https://h/web' },
    state: 'failure',
    description: `could\nnot ${'x'.repeat(300)}`,
  } as const;
  for (const kind of KINDS)
    await postStatus(forge(kind), { ...status, repository: kind === 'gitlab' ? status.repository : 'team/app' });
  assert.deepEqual(
    peer.seen.map(({ line, body }) => [line, body.state, body.context ?? body.name, body.target_url]),
    [
      [`POST /repos/team/app/statuses/${COMMIT}`, 'failure', 'heraklit/web', 'https://h/web'],
      [`POST /projects/group%2Fsub%2Fapp/statuses/${COMMIT}`, 'failed', 'heraklit/web', 'https://h/web'],
      [`POST /repos/team/app/statuses/${COMMIT}`, 'failure', 'heraklit/web', 'https://h/web'],
    ],
  );
  assert.deepEqual(
    peer.seen.map(({ headers }) => headers.authorization ?? headers['private-token']),
    ['Bearer t0k3n', 't0k3n', 'token t0k3n'],
  );
  assert.ok(
    peer.seen.every(({ body }) => (body.description?.length ?? 999) <= 140 && !body.description?.includes('\n')),
  );
  // GitLab's answer to a state it has already.
  peer.answers.push({
    status: 400,
    body: {
      message:
        'Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")',
    },
  });
  await postStatus(forge('gitlab'), status);
  for (const [answer, code, retryAfter] of [
    [{ status: 503 }, 'FORGE_API_FAILED', undefined],
    [{ status: 429, headers: { 'retry-after': '7' } }, 'FORGE_API_FAILED', 7],
    [{ status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } }, 'FORGE_API_FAILED', 1],
    [
      { status: 403, body: { message: 'Resource not accessible by personal access token' } },
      'FORGE_API_REFUSED',
      undefined,
    ],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'FORGE_API_REFUSED', undefined],
    [{ status: 422, body: { message: { state: ['x'] } } }, 'FORGE_API_REFUSED', undefined],
  ] as const) {
    peer.answers.push(answer);
    const error = await postStatus(forge('github'), status).catch((thrown: unknown) => thrown);
    assert.ok(isHeraklitError(error, code), String(error));
    assert.equal(error.details.retryAfter, retryAfter);
    assert.ok(!error.message.includes('t0k3n'));
  }
  await assert.rejects(postStatus({ ...forge('gitea'), api: 'http://127.0.0.1:1' }, status), {
    code: 'FORGE_API_FAILED',
  });
});

test('what happens to a task reaches its commit, whatever the forge says meanwhile and whoever dies', async (context) => {
  const peer = await statusPeer(context);
  const forge: Forge = { kind: 'gitea', url: 'https://git.example.org', api: peer.url, token: async () => 't' };
  let now = 1_000_000;
  const clock = { ...fixedClock(0), now: () => now };
  const stop = new AbortController();
  const sink = commitStatusSink(database, 'fleet', () => undefined, clock);
  const reporter = () =>
    statusReporter({
      database,
      fleet: 'fleet',
      forges: [forge],
      targetUrl: (image) => `http://h/?image=${image}`,
      clock,
      signal: stop.signal,
    });
  const source = {
    location: 'https://git.example.org/team/app.git',
    path: '',
    tree: 'sha256:0',
    ref: 'refs/heads/main',
    commit: COMMIT,
  };
  const event = (image: string, status: string, from: object | null = source): HeraklitEvent => ({
    ...{ specversion: '1.0', id: `${image}${status}`, source: '/h', type: 'io.heraklit.task.changed', subject: image },
    ...{ time: '2026-01-01T00:00:00Z', datacontenttype: 'application/json', sequence: 1 },
    data: {
      image,
      status,
      digest: 'sha256:0123456789abcdef',
      reason: 'because',
      ...(from === null ? {} : { source: from }),
    },
  });
  await sink.deliver([event('web', 'scheduled'), event('web', 'building'), event('plain', 'building', null)]);
  // Delivered again after a crash: the same row.
  await sink.deliver([event('web', 'building')]);
  peer.answers.push({ status: 503 }, { status: 503 });
  assert.equal(await reporter().tellDue(), 1);
  assert.equal(await reporter().tellDue(), 0, 'waits before it tries again');
  now += 2_000;
  assert.equal(await reporter().tellDue(), 1);
  now += 2_000;
  assert.equal(await reporter().tellDue(), 0, 'waits longer');
  now += 2_000;
  assert.equal(await reporter().tellDue(), 1);
  assert.deepEqual(
    peer.seen.map(({ body }) => body.state),
    ['pending', 'pending', 'pending'],
  );
  await sink.deliver([event('web', 'succeeded'), event('disabled', 'disabled')]);
  peer.answers.push({ status: 401 });
  await sink.deliver([event('bad', 'failed')]);
  assert.equal(await reporter().tellDue(), 2, 'one that is refused holds up no other');
  now += 3_600_000;
  assert.equal(await reporter().tellDue(), 0, 'what is refused is not tried again');
  const rows = await database.kysely
    .selectFrom('commit_status')
    .select(['image', 'state', 'told', 'error'])
    .orderBy('image')
    .execute();
  assert.equal(rows.filter(({ told }) => told?.startsWith('success') || told?.startsWith('failure')).length, 1);
  assert.equal(rows.filter(({ error }) => error !== null).length, 1);
  assert.ok(peer.seen.some(({ body }) => body.target_url === 'http://h/?image=web'));
  // The loop itself: woken, it tells at once.
  const running = reporter();
  const run = running.run();
  const told = peer.seen.length;
  await sink.deliver([event('web', 'failed')]);
  running.wake();
  while (peer.seen.length === told) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await run;
  assert.equal(peer.seen.at(-1)?.body.state, 'failure');
});

test('a secret that cannot be read closes the door', async () => {
  await writeFile(join(folder, 'empty'), '');
  const { readSecret } = await import('../../src/source/index.ts');
  const forges: Forge[] = [
    { kind: 'gitlab', url: 'https://x', api: 'x', webhookSecret: () => readSecret(join(folder, 'empty')) },
  ];
  const receiver = webhookReceiver({ database, fleet: 'fleet', forges, images: [] });
  await assert.rejects(receiver.receive('gitlab', { 'x-gitlab-token': '' }, Buffer.from('{}')), {
    code: 'FORGE_SIGNATURE_REFUSED',
  });
});
