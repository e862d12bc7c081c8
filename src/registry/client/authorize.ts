import { messageOf } from '../../base/index.ts';
import { registryError } from '../errors.ts';
import { readJson } from './answer.ts';
import type { Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { type Exchange, isLoopback, type Outgoing } from './exchange.ts';

/** Bytes of a token service's answer. */
const MAX_TOKEN_ANSWER = 256 * 1024;

/**
 * Answers a challenge with an Authorization value; undefined where there is nothing to answer with.
 * Credentials go to the registry itself and to the token service it names, which must use TLS when the registry does.
 *
 * @throws REGISTRY_UNAUTHORIZED, REGISTRY_ANSWER_INVALID, REGISTRY_UNREACHABLE
 */
export async function answerChallenge(
  exchange: Exchange,
  registry: URL,
  challenges: readonly Challenge[],
  scopes: readonly string[],
  credentials: Credentials | undefined,
): Promise<string | undefined> {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined);
  if (bearer !== undefined) return `Bearer ${await fetchToken(exchange, registry, bearer, scopes, credentials)}`;
  const basic = challenges.some(({ scheme }) => scheme === 'basic');
  return basic && credentials?.kind === 'password' ? basicValue(credentials) : undefined;
}

function basicValue({ username, password }: Extract<Credentials, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function fetchToken(
  exchange: Exchange,
  registry: URL,
  { parameters }: Challenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): Promise<string> {
  const url = realmOf(registry, parameters.realm ?? '');
  const answer = await exchange.send(tokenRequest(url, parameters.service, scopes, credentials));
  if (answer.statusCode !== 200) {
    answer.resume();
    throw registryError(
      'REGISTRY_UNAUTHORIZED',
      `${url.host} gives no token for ${registry.host}: ${answer.statusCode}`,
      {
        hint: 'Log in with podman login or docker login, or check the account.',
      },
    );
  }
  const body = (await readJson(answer, MAX_TOKEN_ANSWER)) as { token?: unknown; access_token?: unknown } | null;
  const token = body?.token ?? body?.access_token;
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
  throw registryError('REGISTRY_ANSWER_INVALID', `${url.host} answers without a token`);
}

/** docs.docker.com/registry/spec/auth: GET with basic authentication, or OAuth2 POST with a refresh token. */
function tokenRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): Outgoing {
  if (credentials?.kind === 'token') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'heraklit',
      refresh_token: credentials.identityToken,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
  }
  const target = new URL(url);
  if (service !== undefined) target.searchParams.set('service', service);
  for (const scope of scopes) target.searchParams.append('scope', scope);
  return {
    method: 'GET',
    url: target,
    headers: credentials === undefined ? {} : { authorization: basicValue(credentials) },
  };
}

function realmOf(registry: URL, realm: string): URL {
  let url: URL;
  try {
    url = new URL(realm);
  } catch (error) {
    throw registryError('REGISTRY_ANSWER_INVALID', `${registry.host} names no token service: ${messageOf(error)}`);
  }
  const plain = url.protocol === 'http:' && (registry.protocol === 'http:' || isLoopback(url.hostname));
  if (url.protocol === 'https:' || plain) return url;
  throw registryError('REGISTRY_ANSWER_INVALID', `${registry.host} names a token service without TLS: ${url.host}`);
}
