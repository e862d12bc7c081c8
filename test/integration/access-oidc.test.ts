import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { createIdentityProvider } from '../../src/access/index.ts';
import { type Log, silentLog } from '../../src/base/index.ts';
import { basicHeader, type GuardedServer, startGuarded } from '../support/guarded-server.ts';

/** What the provider says of people; `login` is what one types into its form. */
const PEOPLE: Record<string, { preferred_username: string; groups?: unknown }> = {
  dora: { preferred_username: 'Dora', groups: ['ops', 'staff'] },
  mallory: { preferred_username: 'alice', groups: ['ops'] },
  odd: { preferred_username: 'two words' },
};

let idp: Server;
let issuer: string;
let guarded: GuardedServer;
const said: string[] = [];
const note = (message: string, fields?: object): void => void said.push(message + JSON.stringify(fields));
const log: Log = { debug: note, info: note, warn: note, error: note };

before(async () => {
  // The redirect URI holds our port, the provider's URL its own: both listen before either knows the other.
  idp = createServer((request, response) => handle(request, response));
  let handle: (request: unknown, response: unknown) => void = () => undefined;
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(idp.address() as AddressInfo).port}`;
  const settings = { issuer, clientId: 'heraklit', clientSecret: 'a-client-secret', name: 'Example ID' };
  guarded = await startGuarded({ door: { provider: createIdentityProvider(settings, log) } });
  await guarded.admin.grant({ to: 'group:ops', role: 'view', on: '**' });
  await guarded.admin.grant({ to: 'group:ops', role: 'push', on: 'ops/**' });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'heraklit',
        client_secret: 'a-client-secret',
        redirect_uris: [`${guarded.url}/auth/oidc/callback`],
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    pkce: { required: () => true },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...(PEOPLE[id] ?? { preferred_username: id }) }),
    }),
  });
  provider.on('server_error', (_context, error) => note(String(error.stack)));
  handle = provider.callback() as typeof handle;
});
after(async () => {
  await guarded.close();
  idp.closeAllConnections();
  await new Promise((resolve) => idp.close(resolve));
});

/** A browser: cookies by origin, one request at a time. */
function browser() {
  const jars = new Map<string, Map<string, string>>();
  const go = async (
    url: string,
    form?: Record<string, string>,
  ): Promise<{ response: Response; body: string; url: string }> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (/max-age=0|1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return { response, body: await response.text(), url };
  };
  return { go, jars };
}

/** Follows redirects, and answers the provider's forms as somebody would. */
async function signIn(page: ReturnType<typeof browser>, start: string, person: string) {
  let at = await page.go(start);
  for (let step = 0; step < 20; step += 1) {
    const location = at.response.headers.get('location');
    if (location !== null) at = await page.go(new URL(location, at.url).href);
    else {
      const action = /action="([^"]+)"/.exec(at.body)?.[1];
      if (action === undefined || !at.url.startsWith(issuer)) return at;
      const attribute = (input: string, name: string): string =>
        new RegExp(`\\b${name}="([^"]*)"`).exec(input)?.[1] ?? '';
      const inputs = (at.body.match(/<input[^>]*>/g) ?? []).map((input) => [
        attribute(input, 'name'),
        attribute(input, 'value'),
      ]);
      const fields = Object.fromEntries(inputs) as Record<string, string>;
      const prompt = /name="prompt" value="(\w+)"/.exec(at.body)?.[1];
      const form = {
        ...fields,
        ...(prompt && { prompt }),
        ...(prompt === 'login' && { login: person, password: 'x' }),
      };
      at = await page.go(new URL(action, at.url).href, form);
    }
  }
  throw new Error(`does not end: ${at.url}`);
}

test('people sign in at the provider, and their groups say what they may', async () => {
  const page = browser();
  const sent = await page.go(`${guarded.url}/api/v1/fleet`);
  assert.equal(sent.response.headers.get('location'), '/auth/sign-in?next=%2Fapi%2Fv1%2Ffleet');
  const form = await page.go(`${guarded.url}/auth/sign-in?next=%2Fapi%2Fv1%2Ffleet`);
  assert.match(form.body, /Sign in with Example ID/);
  const end = await signIn(page, `${guarded.url}/auth/oidc?next=%2Fapi%2Fv1%2Ffleet`, 'dora');
  assert.equal(end.response.status, 200, `${end.body}\n${said.join('\n')}`);
  assert.match(end.body, /url=\/api\/v1\/fleet"/);
  const [session] = end.response.headers.getSetCookie().filter((line) => line.startsWith('heraklit='));
  assert.match(session ?? '', /HttpOnly; SameSite=Strict/);
  assert.equal((await page.go(`${guarded.url}/api/v1/fleet`)).response.status, 200);
  const me = JSON.parse((await page.go(`${guarded.url}/api/v1/me`)).body) as { name: string; kind: string };
  assert.deepEqual([me.name, me.kind], ['dora', 'oidc']);
  assert.equal((await page.go(`${guarded.url}/api/v1/accounts`)).response.status, 403);

  const { accounts } = await guarded.admin.list();
  assert.deepEqual(accounts.find(({ name }) => name === 'dora')?.groups, ['ops', 'staff']);
  PEOPLE.dora = { preferred_username: 'Dora', groups: ['staff', 7, '', 'x\ny'] };
  await signIn(browser(), `${guarded.url}/auth/oidc`, 'dora');
  assert.equal((await page.go(`${guarded.url}/api/v1/fleet`)).response.status, 403, 'no longer in ops');
  PEOPLE.dora = { preferred_username: 'Dora', groups: ['ops'] };
  await signIn(browser(), `${guarded.url}/auth/oidc`, 'dora');
  const { entries } = await guarded.admin.audit({ actor: 'dora', action: 'sign-in' });
  assert.equal(entries.length, 3);

  await page.go(`${guarded.url}/auth/sign-out`, {});
  assert.equal((await page.go(`${guarded.url}/api/v1/fleet`)).response.status, 303);
});

test('nobody becomes somebody else by a name, and a name must be one', async () => {
  const mallory = await signIn(browser(), `${guarded.url}/auth/oidc`, 'mallory');
  assert.equal(mallory.response.status, 403);
  assert.match(mallory.body, /belongs to another account/);
  const odd = await signIn(browser(), `${guarded.url}/auth/oidc`, 'odd');
  assert.match(odd.body, /cannot be the name of an account/);
  assert.equal(mallory.response.headers.getSetCookie().filter((line) => /^heraklit=[^;]/.test(line)).length, 0);
});

test('answers of the provider that were not asked for are refused', async () => {
  const page = browser();
  const direct = await page.go(`${guarded.url}/auth/oidc/callback?code=x&state=y`);
  assert.equal(direct.response.status, 403, 'without a sign-in under way');
  await page.go(`${guarded.url}/auth/oidc`);
  for (const query of ['code=x&state=y', 'error=access_denied&state=y', '', 'code=x']) {
    const answer = await page.go(`${guarded.url}/auth/oidc/callback?${query}`);
    assert.equal(answer.response.status, 403, query);
    assert.equal(answer.response.headers.getSetCookie().filter((line) => /^heraklit=[^;]/.test(line)).length, 0);
  }
  const victim = browser();
  await victim.go(`${guarded.url}/auth/oidc`);
  const attacker = browser();
  let at = await attacker.go(`${guarded.url}/auth/oidc`);
  // The attacker signs in up to the last step and hands the victim the address of that step.
  const stop = `${guarded.url}/auth/oidc/callback`;
  const stepping = {
    ...attacker,
    go: async (url: string, form?: Record<string, string>) => {
      if (url.startsWith(stop)) throw Object.assign(new Error('stop'), { url });
      return attacker.go(url, form);
    },
  };
  const location = at.response.headers.get('location') ?? '';
  const given = await signIn(stepping, location, 'dora').catch((error: { url?: string }) => error.url ?? '');
  assert.equal(typeof given, 'string');
  at = await victim.go(given as string);
  assert.equal(at.response.status, 403, 'another browser’s state');
});

test('a terminal signs in by a code: heraklit login stores a secret that podman can use', async () => {
  const authfile = join(guarded.folder, 'auth.json');
  const cli = join(import.meta.dirname, '../../bin/heraklit.js');
  const child = spawn(process.execPath, [cli, 'login', guarded.url, '--authfile', authfile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = text(child.stdout);
  let errors = '';
  const shown = new Promise<string>((resolve) => {
    child.stderr.on('data', (chunk) => {
      errors += chunk;
      const url = /Open (\S+) and/.exec(errors)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const url = await Promise.race([shown, ended.then(() => assert.fail(errors))]);
  await signIn(browser(), url, 'dora');
  assert.equal(await ended, 0, errors);
  assert.equal(await output, '', 'the secret is stored, not shown');
  const stored = JSON.parse(await readFile(authfile, 'utf8')) as {
    auths: Record<string, { auth: string }>;
  };
  const [name = '', secret = ''] = Buffer.from(stored.auths[guarded.host]?.auth ?? '', 'base64')
    .toString()
    .split(':');
  assert.equal(name, 'dora');
  const push = (repository: string) =>
    fetch(`${guarded.url}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers: basicHeader(name, secret) });
  assert.equal((await push('ops/app')).status, 202);
  assert.equal((await push('team/app')).status, 403);
  for (const body of [{}, { device: 7 }, { device: 'unknown' }]) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${guarded.url}/auth/device/token`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    assert.ok(answer.status === 400 || answer.status === 403, String(answer.status));
  }
});

test('a provider that is away, or is none, is said so; the secret of the client is not', async () => {
  const none = createServer((_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => none.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(none.address() as AddressInfo).port}`;
  const wrong = createIdentityProvider({ issuer: url, clientId: 'x', clientSecret: 'a-client-secret' }, silentLog);
  await assert.rejects(wrong.begin('http://127.0.0.1/cb'), (error: { code?: string }) =>
    /ACCESS_OIDC_/.test(error.code ?? ''),
  );
  none.closeAllConnections();
  await new Promise((resolve) => none.close(resolve));
  await assert.rejects(wrong.begin('http://127.0.0.1/cb'), { code: 'ACCESS_OIDC_UNREACHABLE' });
  const refusing = createIdentityProvider({ issuer, clientId: 'heraklit', clientSecret: 'wrong' }, silentLog);
  await assert.rejects(refusing.beginDevice(), { code: 'ACCESS_OIDC_REFUSED' });
  assert.ok(!said.join('\n').includes('a-client-secret'));
});
