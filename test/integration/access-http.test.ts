import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { Accounts, Audit } from '../../src/http/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { basicHeader, type GuardedServer, PASSWORD, startGuarded } from '../support/guarded-server.ts';

let guarded: GuardedServer;
before(async () => {
  guarded = await startGuarded();
});
after(() => guarded.close());

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${guarded.url}${path}`, { method, headers, redirect: 'manual' });
const alice = basicHeader('alice', PASSWORD);
const root = basicHeader('root', PASSWORD);
const form = (fields: Record<string, string>) =>
  fetch(`${guarded.url}/auth/token`, { method: 'POST', body: new URLSearchParams(fields) });

interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly error?: string;
}

async function tokenFor(scope: string, headers: Record<string, string> = alice, more = ''): Promise<TokenAnswer> {
  const answer = await get(`/auth/token?service=${guarded.access.service}&scope=${scope}${more}`, headers);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return (await answer.json()) as TokenAnswer;
}
const bearer = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });

test('a challenge names the token service, and the scope that is missing', async () => {
  const base = await get('/v2/');
  assert.equal(base.status, 401);
  const challenge = `Bearer realm="${guarded.url}/auth/token",service="${guarded.access.service}"`;
  assert.equal(base.headers.get('www-authenticate'), challenge);
  assert.deepEqual(await base.json(), { errors: [{ code: 'UNAUTHORIZED', message: 'sign in first', detail: {} }] });
  const upload = await get('/v2/team/app/blobs/uploads/', {}, 'POST');
  assert.equal(upload.headers.get('www-authenticate'), `${challenge},scope="repository:team/app:pull,push"`);
  const none = await get('/v2/team/app/manifests/x', bearer(await tokenFor('repository:team/app:pull', {})));
  assert.match(
    none.headers.get('www-authenticate') ?? '',
    /scope="repository:team\/app:pull",error="insufficient_scope"/,
  );
  const both = ',scope="repository:team/app:pull,push repository:team/other:pull"';
  const mount = await get('/v2/team/app/blobs/uploads/?mount=sha256:0&from=team/other', {}, 'POST');
  assert.equal(mount.headers.get('www-authenticate'), `${challenge}${both}`, 'one token for both ends of a mount');
  assert.equal((await get('/v2/public/app/manifests/x')).status, 404, 'everybody may pull here');
  const strange = await guarded.server.inject({ url: '/v2/', headers: { host: '127.0.0.1"x' } });
  assert.doesNotMatch(String(strange.headers['www-authenticate']), /127\.0\.0\.1"x/);
});

test('tokens by GET and by POST, refresh tokens, and what is refused', async () => {
  const { token, access_token: same, expires_in: seconds } = await tokenFor('repository:team/app:pull,push');
  assert.equal(token, same);
  assert.equal(seconds, 300);
  assert.equal((await get('/v2/', bearer({ token }))).status, 200);
  assert.equal((await get('/v2/team/app/blobs/uploads/', bearer({ token }), 'POST')).status, 202);
  const other = await get('/v2/team/other/blobs/uploads/', bearer({ token }), 'POST');
  assert.equal(other.status, 401, 'granted to alice, but this token is for another repository');
  assert.match(other.headers.get('www-authenticate') ?? '', /insufficient_scope/);
  assert.equal((await get('/v2/secret/app/manifests/x', bearer({ token }))).status, 403);
  assert.equal((await get('/v2/secret/app/manifests/x', alice)).status, 403);
  assert.equal((await get(`/v2/team/app/manifests/v1`, alice, 'DELETE')).status, 403);

  const { refresh_token: refresh = '' } = await tokenFor('', alice, '&offline_token=true');
  const service = guarded.access.service;
  const redeem = () =>
    form({ grant_type: 'refresh_token', refresh_token: refresh, service, scope: 'repository:team/app:pull' });
  const redeemed = (await (await redeem()).json()) as TokenAnswer;
  assert.equal(redeemed.refresh_token, refresh);
  assert.equal((await get('/v2/team/app/tags/list', bearer(redeemed))).status, 404);
  await guarded.admin.signOut('alice');
  const replayed = await redeem();
  assert.equal(replayed.status, 401);
  assert.equal(((await replayed.json()) as TokenAnswer).error, 'invalid_grant');
  assert.equal((await get('/v2/', bearer({ token }))).status, 401, 'signed out at once');

  const password = { grant_type: 'password', username: 'alice', password: PASSWORD, service, client_id: 'test' };
  const granted = (await (
    await form({ ...password, scope: 'repository:team/app:push', access_type: 'offline' })
  ).json()) as TokenAnswer;
  assert.ok(granted.refresh_token);
  for (const [fields, status, error] of [
    [{ ...password, password: 'wrong' }, 401, 'invalid_grant'],
    [{ ...password, service: 'registry.example.org' }, 400, 'invalid_request'],
    [{ ...password, grant_type: 'authorization_code' }, 400, 'unsupported_grant_type'],
    [{ ...password, scope: 'nonsense' }, 400, 'invalid_scope'],
    [{}, 400, 'unsupported_grant_type'],
  ] as const) {
    const answer = await form(fields);
    assert.equal(answer.status, status);
    assert.equal(((await answer.json()) as TokenAnswer).error, error);
  }
  assert.equal((await get('/auth/token?service=other', alice)).status, 400);
  assert.equal((await get('/auth/token', basicHeader('alice', 'wrong'))).status, 401);
  assert.equal((await get('/auth/token?scope=nonsense', alice)).status, 400);
  const expired = await tokenFor('repository:team/app:pull');
  guarded.clock.ahead += 331_000;
  const late = await get('/v2/team/app/tags/list', bearer(expired));
  assert.equal(late.status, 401);
  assert.match(late.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
});

test('malformed credentials of every kind are 401 in the registry’s words, never a failure', async () => {
  const headers = [
    'Basic',
    'Basic !!!',
    'Basic YWxpY2U=',
    `Basic ${Buffer.from('alice:wrong').toString('base64')}`,
    `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64')}`,
    'Bearer',
    'Bearer x',
    'Bearer x.y.z',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'Bearer hrk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'Digest username="alice"',
    'Negotiate YII=',
    'alice:secret',
    ',',
  ];
  for (const authorization of headers) {
    const answer = await get('/v2/team/app/manifests/v1', { authorization });
    assert.equal(answer.status, 401, authorization);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer realm=.*error="invalid_token"$/);
    const text = await answer.text();
    assert.equal((JSON.parse(text) as { errors: [{ code: string }] }).errors[0].code, 'UNAUTHORIZED');
    assert.ok(authorization.length < 8 || !text.includes(authorization.split(' ')[1] ?? '-'), 'quotes nothing');
    assert.equal((await get('/api/v1/fleet', { authorization })).status, 401);
  }
  const giant = await get('/v2/', { authorization: `Bearer ${'a'.repeat(15_000)}` });
  assert.ok(giant.status === 401 || giant.status === 431);
  // Node's parser stops at 16 KiB of headers, before anything of ours runs.
  const refused = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(guarded.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => resolve(text));
    socket.write(`GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${'a'.repeat(200_000)}\r\n\r\n`);
  });
  assert.match(refused, /^(?:HTTP\/1.1 431|$)/);
  assert.equal((await get('/healthz')).status, 200, 'and goes on');
});

test('path tricks reach nothing that the plain path does not', async () => {
  for (const path of [
    '/v2/public/../team/app/manifests/v1',
    '/v2/public/%2e%2e/team/app/manifests/v1',
    '/v2/public%2f..%2fteam/app/manifests/v1',
    '/v2//team/app/manifests/v1',
    '/v2/public/app/../../team/app/manifests/v1',
    '/%76%32/team/app/manifests/v1',
    '/v2/team%2Fapp/manifests/v1',
    '/v2/TEAM/app/manifests/v1',
    '/%61pi/v1/fleet',
    '/api/v1/accounts/',
    '/api/v1/%61ccounts',
    '/API/v1/accounts',
    '//api/v1/accounts',
    '/healthz/../api/v1/accounts',
    '/healthz/%2e%2e/api/v1/accounts',
    '/auth/../api/v1/accounts',
    '/metrics?x=/healthz',
  ]) {
    const { statusCode } = await guarded.server.inject({ url: path, headers: { host: '127.0.0.1' } });
    assert.ok([400, 401, 404].includes(statusCode), `${path}: ${statusCode}`);
    const signedIn = await guarded.server.inject({
      url: path,
      headers: { host: '127.0.0.1', ...basicHeader('carol', PASSWORD) },
    });
    assert.ok([400, 401, 403, 404].includes(signedIn.statusCode), `${path} as carol: ${signedIn.statusCode}`);
  }
});

test('API, metrics and page ask for their roles; probes ask nobody', async () => {
  const { secret } = await guarded.admin.addRobot({ name: 'prometheus' });
  await guarded.admin.grant({ to: 'prometheus', role: 'metrics', on: '**' });
  await guarded.admin.grant({ to: 'carol', role: 'view', on: '**' });
  const carol = basicHeader('carol', PASSWORD);
  const scrape = { authorization: `Bearer ${secret}` };
  const table: readonly (readonly [string, Record<string, string>, number])[] = [
    ['/healthz', {}, 200],
    ['/readyz', { authorization: 'Basic broken' }, 200],
    ['/metrics', {}, 401],
    ['/metrics', scrape, 200],
    ['/metrics', carol, 200],
    ['/metrics', alice, 403],
    ['/api/v1/fleet', {}, 401],
    ['/api/v1/fleet', scrape, 403],
    ['/api/v1/fleet', alice, 403],
    ['/api/v1/fleet', carol, 200],
    ['/api/v1/fleet', { authorization: 'Bearer the-owner' }, 200],
    ['/api/v1/fleet', { authorization: 'Bearer not-the-owner' }, 401],
    ['/api/v1/events', carol, 200],
    ['/api/v1/accounts', carol, 403],
    ['/api/v1/audit', carol, 403],
    ['/api/v1/accounts', root, 200],
    ['/api/v1/me', {}, 200],
    ['/v2/_catalog', alice, 403],
    ['/v2/_catalog', carol, 200],
    ['/nothing', {}, 401],
    ['/nothing', carol, 404],
  ];
  for (const [path, headers, status] of table)
    assert.equal((await get(path, headers)).status, status, `${path} ${status}`);
  const token = await tokenFor('repository:team/app:pull', root);
  assert.equal(
    (await get('/api/v1/accounts', bearer(token))).status,
    403,
    'a token for a repository is no key to the API',
  );
  const fleet = await (await get('/api/v1/fleet', alice)).json();
  assert.equal((fleet as { error: { code: string } }).error.code, 'HTTP_FORBIDDEN');
});

test('accounts by the API, each change written down with who made it', async () => {
  const call = async (method: string, path: string, body?: object) => {
    const headers = { ...root, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(`${guarded.url}/api/v1/${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
  };
  const made = await call('POST', 'accounts', { name: 'builder', kind: 'robot', expires: '2099-01-01T00:00:00Z' });
  const { secret } = made.body as { secret: string };
  assert.match(secret, /^hrk_[\w-]{43}$/);
  assert.equal((await call('POST', 'grants', { to: 'builder', role: 'push', on: 'team/**' })).status, 204);
  assert.equal((await get('/v2/team/app/blobs/uploads/', basicHeader('builder', secret), 'POST')).status, 202);
  assert.equal((await call('POST', 'accounts', { name: 'builder', kind: 'robot' })).status, 409);
  assert.equal((await call('POST', 'accounts', { name: 'Bad Name', kind: 'robot' })).status, 400);
  assert.equal((await call('POST', 'accounts', { name: 'weak', kind: 'person', password: 'short' })).status, 400);
  assert.equal((await call('PUT', 'accounts/builder/password', { password: PASSWORD })).status, 404);
  assert.equal((await call('PUT', 'accounts/carol/password', { password: `${PASSWORD}!` })).status, 204);
  assert.equal((await get('/v2/', basicHeader('carol', PASSWORD))).status, 401);
  await call('PUT', 'accounts/carol/password', { password: PASSWORD });
  const second = (await call('POST', 'accounts/builder/secrets', { label: 'second' })).body as {
    id: number;
    secret: string;
  };
  assert.equal((await call('DELETE', `accounts/builder/secrets/${second.id}`)).status, 204);
  assert.equal((await call('DELETE', `accounts/builder/secrets/${second.id}`)).status, 404);
  assert.equal((await call('POST', 'accounts/builder/sign-out')).status, 204);
  assert.equal((await call('POST', 'keys/rotate')).status, 204);
  assert.equal((await call('DELETE', 'grants?to=builder&role=push&on=team/**')).status, 204);
  assert.equal((await call('DELETE', 'grants?to=builder&role=push&on=team/**')).status, 404);
  const { accounts } = (await call('GET', 'accounts')).body as Accounts;
  assert.equal(accounts.find(({ name }) => name === 'builder')?.expires, '2099-01-01T00:00:00.000Z');
  assert.ok(!JSON.stringify(accounts).includes('argon2'));
  assert.equal((await call('DELETE', 'accounts/builder')).status, 204);
  assert.equal((await get('/v2/', basicHeader('builder', secret))).status, 401);
  const { entries } = (await call('GET', 'audit?actor=root&limit=5')).body as Audit;
  assert.equal(entries[0]?.action, 'account.remove');
  assert.equal(entries[0]?.address, '127.0.0.1');
  assert.equal((await call('GET', 'audit?limit=0')).status, 400);
});

test('our own client signs in, by password and by refresh token; what it changes is written down', async () => {
  const { refresh_token: identityToken = '' } = await tokenFor('', alice, '&offline_token=true');
  for (const credentials of [
    { kind: 'password', username: 'alice', password: PASSWORD },
    { kind: 'token', identityToken },
  ] as const) {
    const client = createRegistryClient(guarded.host, { credentials });
    const repository = `team/${credentials.kind}`;
    const config = Buffer.from(`{"made":"by ${credentials.kind}"}`);
    const digest = digestOf(config);
    await client.pushBlob(repository, { digest, size: config.length, open: async () => Readable.from([config]) });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.manifest,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: config.length },
        layers: [],
      }),
    );
    await client.pushManifest(repository, 'v1', { bytes: manifest, mediaType: MediaType.manifest });
    assert.deepEqual(await client.tags(repository), ['v1']);
    await assert.rejects(client.deleteManifest(repository, 'v1'), { code: 'REGISTRY_DENIED' });
    await assert.rejects(client.manifest('secret/app', 'v1'), { code: 'REGISTRY_DENIED' });
    client.close();
    const { entries } = await guarded.admin.audit({ repository, action: 'manifest.push' });
    assert.equal(entries[0]?.actor, 'alice');
    assert.equal(entries[0]?.digest, digestOf(manifest));
    assert.equal(entries[0]?.reference, 'v1');
  }
  const removed = await get('/v2/team/password/manifests/v1', root, 'DELETE');
  assert.equal(removed.status, 202);
  const [entry] = (await guarded.admin.audit({ action: 'tag.delete' })).entries;
  assert.equal(entry?.actor, 'root');
  assert.match(entry?.digest ?? '', /^sha256:/);
  const nobody = createRegistryClient(guarded.host, { credentials: 'anonymous' });
  await assert.rejects(nobody.manifest('team/password', 'v1'), { code: 'REGISTRY_UNAUTHORIZED' });
  await assert.rejects(nobody.manifest('public/app', 'v1'), { code: 'REGISTRY_MANIFEST_UNKNOWN' });
  nobody.close();
});

test('pushes that commit together are each written down with who made them', async () => {
  const manifest = await (await get('/v2/team/token/manifests/v1', alice)).text();
  const tags = Array.from({ length: 8 }, (_, index) => ({ tag: `both-${index}`, who: index % 2 === 0 ? alice : root }));
  const answers = await Promise.all(
    tags.map(({ tag, who }) =>
      fetch(`${guarded.url}/v2/team/token/manifests/${tag}`, {
        method: 'PUT',
        headers: { ...who, 'content-type': MediaType.manifest },
        body: manifest,
      }),
    ),
  );
  assert.ok(answers.every(({ status }) => status === 201));
  const { entries } = await guarded.admin.audit({ action: 'manifest.push', repository: 'team/token' });
  for (const { tag, who } of tags) {
    const actor = entries.find(({ reference }) => reference === tag)?.actor;
    assert.equal(actor, who === alice ? 'alice' : 'root', tag);
  }
});

test('a change whose audit entry cannot be written is not made', async () => {
  const { kysely } = guarded.database;
  const before = await guarded.catalogue.tags('team/token', { n: 100 });
  const manifest = await (await get('/v2/team/token/manifests/v1', alice)).text();
  await guarded.database.raw.query('alter table access_audit rename to access_audit_away');
  try {
    const push = await fetch(`${guarded.url}/v2/team/token/manifests/v2`, {
      method: 'PUT',
      headers: { ...alice, 'content-type': MediaType.manifest },
      body: manifest,
    });
    assert.equal(push.status, 500);
    assert.equal((await get('/v2/team/token/manifests/v1', root, 'DELETE')).status, 500);
  } finally {
    await guarded.database.raw.query('alter table access_audit_away rename to access_audit');
  }
  assert.deepEqual(await guarded.catalogue.tags('team/token', { n: 100 }), before);
  assert.ok(await kysely.selectFrom('access_audit').select('id').executeTakeFirst());
});

test('lock-out answers 429 with Retry-After, on every door', async () => {
  const wrong = basicHeader('erin', 'wrong');
  await guarded.admin.addPerson({ name: 'erin', password: PASSWORD });
  for (let tries = 0; tries < 6; tries += 1) assert.equal((await get('/v2/', wrong)).status, 401);
  const registry = await get('/v2/', basicHeader('erin', PASSWORD));
  assert.equal(registry.status, 429);
  assert.equal(registry.headers.get('retry-after'), '1');
  assert.equal(((await registry.json()) as { errors: [{ code: string }] }).errors[0].code, 'TOOMANYREQUESTS');
  for (const path of ['/api/v1/fleet', '/auth/token']) {
    const answer = await get(path, basicHeader('erin', PASSWORD));
    assert.equal(answer.status, 429, path);
    assert.equal(answer.headers.get('retry-after'), '1', path);
  }
  guarded.clock.ahead += 2_000;
  assert.equal((await get('/v2/', basicHeader('erin', PASSWORD))).status, 200);
});

test('a rate of requests holds for an account and for an address, each on its own', async () => {
  const limited = await startGuarded({ door: { rate: { perSecond: 0.001, burst: 5 } } });
  const ask = (headers: Record<string, string>) => fetch(`${limited.url}/v2/public/x/tags/list`, { headers });
  const anonymous = await Promise.all(Array.from({ length: 7 }, () => ask({})));
  assert.equal(anonymous.filter(({ status }) => status === 429).length, 2);
  const refused = anonymous.find(({ status }) => status === 429);
  assert.equal(refused?.headers.get('retry-after'), '1000');
  assert.match((await refused?.text()) ?? '', /"code":"TOOMANYREQUESTS"/);
  assert.equal((await ask(alice)).status, 404, 'alice has a rate of her own');
  assert.equal((await fetch(`${limited.url}/healthz`)).status, 200);
  await limited.close();
});

test('--anonymous read holds beside accounts', async () => {
  const fresh = await startGuarded({ anonymous: 'read' });
  assert.equal((await fetch(`${fresh.url}/api/v1/fleet`)).status, 200);
  assert.equal((await fetch(`${fresh.url}/v2/`)).status, 401, 'clients ask here whether they can sign in');
  assert.equal((await fetch(`${fresh.url}/v2/secret/x/tags/list`)).status, 404);
  assert.equal((await fetch(`${fresh.url}/v2/secret/x/blobs/uploads/`, { method: 'POST' })).status, 401);
  assert.equal((await fetch(`${fresh.url}/v2/team/x/blobs/uploads/`, { method: 'POST', headers: alice })).status, 202);
  assert.equal((await fetch(`${fresh.url}/api/v1/accounts`)).status, 401);
  await fresh.close();
});

test('people change their own password, by page and by API; nothing but the password so far proves who they are', async () => {
  const [first, second, third] = ['a quiet evening at sea', 'seven grey herons wait', 'no wind before the morning'];
  await guarded.admin.addPerson({ name: 'dora', password: first });
  const { secret } = await guarded.admin.addSecret('dora', { label: 'pipeline' });
  const { secret: robot } = await guarded.admin.addRobot({ name: 'ci' });
  const put = (authorization: Record<string, string>, body: object) =>
    fetch(`${guarded.url}/api/v1/me/password`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(body),
    });
  const dora = basicHeader('dora', first);
  const old = await tokenFor('', dora);
  for (const [who, body, status] of [
    [dora, { current: 'wrong', password: second }, 401],
    [dora, { current: secret, password: second }, 401],
    [basicHeader('dora', secret), { current: secret, password: second }, 401],
    [basicHeader('ci', robot), { current: robot, password: second }, 401],
    [{}, { current: first, password: second }, 401],
    [dora, { current: first, password: 'short' }, 400],
    [dora, { current: first, password: 'dora dora dora dora' }, 400],
    [dora, { current: first }, 400],
  ] as const) {
    assert.equal((await put(who, body)).status, status, JSON.stringify(body));
  }
  guarded.clock.ahead += 3_600_000;
  const fresh = await tokenFor('', dora);
  assert.equal((await put(dora, { current: first, password: second })).status, 204);
  assert.equal((await get('/v2/', dora)).status, 401);
  for (const token of [old, fresh]) assert.equal((await get('/v2/', bearer(token))).status, 401);
  assert.equal((await get('/v2/', basicHeader('dora', second))).status, 200);
  assert.equal((await get('/v2/', basicHeader('dora', secret))).status, 200, 'her secrets stay');

  const page = await get('/auth/password');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  const submit = (fields: Record<string, string>) =>
    fetch(`${guarded.url}/auth/password`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) });
  const fields = { name: 'dora', current: second, password: third };
  const twice = await submit({ ...fields, again: 'another' });
  assert.deepEqual([twice.status, /not the same both times/.test(await twice.text())], [400, true]);
  assert.equal((await submit({ ...fields, password: 'short', again: 'short' })).status, 400);
  assert.equal((await submit({ ...fields, name: '"><script>', again: third })).status, 401);
  assert.doesNotMatch(await (await submit({ ...fields, name: '"><script>', again: third })).text(), /<script>/);
  const done = await submit({ ...fields, again: third });
  assert.deepEqual([done.status, done.headers.get('location')], [303, '/']);
  const cookie = done.headers.get('set-cookie')?.split(';')[0] ?? '';
  const me = (await (await get('/api/v1/me', { cookie })).json()) as { name: string };
  assert.equal(me.name, 'dora');
  const { entries } = (await (await get('/api/v1/audit?actor=dora', root)).json()) as Audit;
  assert.equal(entries.filter(({ action }) => action === 'account.password').length, 2);
});
