import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Permission, Principal } from '../../access/index.ts';
import { type HeraklitError, isHeraklitError } from '../../base/index.ts';
import { type RegistryServerOptions, registryError } from '../../registry/index.ts';
import type { Door } from './door.ts';

type Authorize = NonNullable<RegistryServerOptions['authorize']>;
type Wanted = Parameters<Authorize>[1];

/**
 * The registry's question to the accounts. Who has not said who they are is asked by a challenge; who has a token for
 * something else is asked for another token; who may not is told so, whether or not the repository exists.
 */
export function registryAuthorize(door: Door): Authorize {
  return async (request, wanted) => {
    const principal = door.principalOf(request);
    const permission = permissionOf(wanted);
    if (permission === undefined) {
      // Clients ask here whether they must sign in at all, and never again.
      if (isNobody(principal) && door.asksForAccounts()) throw challenge(door, request, wanted, 'sign in first');
      return;
    }
    if (door.allows(principal, permission)) return;
    const { scopes: _scopes, ...whole } = principal;
    if (isNobody(principal) && door.asksForAccounts()) throw challenge(door, request, wanted, 'sign in first');
    if (principal.scopes !== undefined && (principal.account === undefined || door.allows(whole, permission))) {
      throw challenge(door, request, wanted, 'the token is for something else', 'insufficient_scope');
    }
    noteDenial(door, request, principal, wanted);
    const what = wanted.repository === undefined ? 'list all repositories' : `${wanted.action} ${wanted.repository}`;
    throw registryError('REGISTRY_DENIED', `${principal.name} may not ${what}`);
  };
}

/** What went wrong with credentials, in the words and codes that registry clients understand. */
export function asRegistryError(error: unknown, door: Door, request: FastifyRequest, reply: FastifyReply): unknown {
  if (!isHeraklitError(error)) return error;
  const { retryAfter } = error.details;
  if (typeof retryAfter === 'number') {
    reply.header('retry-after', retryAfter);
    return registryError('REGISTRY_TOOMANYREQUESTS', error.message, { details: { retryAfter } });
  }
  const wanted = { action: 'pull', repository: undefined } as const;
  return REFUSED.has(error.code) ? challenge(door, request, wanted, error.message, 'invalid_token') : error;
}

const REFUSED = new Set(['ACCESS_CREDENTIALS_MALFORMED', 'ACCESS_CREDENTIALS_REFUSED', 'ACCESS_TOKEN_REFUSED']);

const isNobody = (principal: Principal): boolean => principal.kind === 'anonymous' && principal.scopes === undefined;

function permissionOf({ action, repository }: Wanted): Permission | undefined {
  if (action === 'catalog') return { kind: 'catalog' };
  return repository === undefined ? undefined : { kind: 'repository', repository, action };
}

/**
 * RFC 6750, section 3, and the distribution project's token specification.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
function challenge(
  door: Door,
  request: FastifyRequest,
  { action, repository, beside }: Wanted,
  message: string,
  error?: 'invalid_token' | 'insufficient_scope',
): HeraklitError {
  const all = [{ action, repository }, ...(beside === undefined ? [] : [beside])];
  const scope = all.flatMap((one) => scopeOf(one) ?? []).join(' ') || undefined;
  const parameters = Object.entries({
    realm: `${door.baseUrl(request)}/auth/token`,
    service: door.access?.service ?? 'heraklit',
    scope,
    error,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"`]));
  return registryError('REGISTRY_UNAUTHORIZED', message, { details: { challenge: `Bearer ${parameters.join(',')}` } });
}

function scopeOf({ action, repository }: Wanted): string | undefined {
  if (action === 'catalog') return 'registry:catalog:*';
  return repository && `repository:${repository}:${action === 'push' ? 'pull,push' : action}`;
}

/** Only of accounts, and only of changes: asking first without credentials is how every client begins. */
function noteDenial(door: Door, request: FastifyRequest, principal: Principal, { action, repository }: Wanted): void {
  if (principal.account === undefined || (action !== 'push' && action !== 'delete')) return;
  const detail = `${request.method} ${request.url.split('?', 1)[0]}`;
  door.access?.note({ actor: principal.name, action, repository, address: request.ip, result: 'denied', detail });
}
