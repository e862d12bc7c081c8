import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createDoor, type Door } from './access/door.ts';
import { type Need, needOf } from './access/needs.ts';
import { asRegistryError } from './access/registry-authorize.ts';
import { type BindDecision, isLoopback } from './bind.ts';
import { httpError } from './errors.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

const hostOf = (authority: string): string => {
  try {
    return new URL(`http://${authority}`).hostname;
  } catch {
    return '';
  }
};

/** A page of another origin can make a browser send requests here; its Origin header gives it away. */
function isForeignOrigin(request: FastifyRequest): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== host;
  } catch {
    return true;
  }
}

/**
 * Refuses what the caller may not. On loopback, where without accounts everybody on the machine may write, a browser is
 * the way in from outside: foreign host names (DNS rebinding) and foreign origins are refused.
 */
export function guardRequests(server: FastifyInstance, decision: BindDecision, door = createDoor(decision)): void {
  server.addHook('onRequest', async (request, reply) => {
    const writes = !SAFE.has(request.method);
    if (decision.loopback && !isLoopback(hostOf(request.headers.host ?? 'localhost'))) {
      throw httpError('HTTP_HOST_REFUSED', `this server is for this machine only, not for ${request.headers.host}`);
    }
    if (writes && isForeignOrigin(request)) {
      throw httpError('HTTP_HOST_REFUSED', `a page of ${request.headers.origin} may not write here`);
    }
    const need = needOf(request);
    if (need === 'open') return;
    if (need === 'registry') return await guardRegistry(door, request, reply, writes);
    await guardRoute(door, request, reply, need, writes);
  });
}

async function guardRoute(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  need: Exclude<Need, 'open' | 'registry'>,
  writes: boolean,
): Promise<void> {
  const principal = await door.identify(request);
  const own = need === 'admin' || need === 'report';
  const permission = { kind: writes && !own ? 'change' : need } as const;
  if (door.allows(principal, permission)) return;
  if (principal.kind !== 'anonymous') {
    throw httpError('HTTP_FORBIDDEN', `${principal.name} may not do this: it needs ${permission.kind}`);
  }
  if (!door.asksForAccounts() && need !== 'admin') {
    throw httpError('HTTP_READ_ONLY', 'this server allows anonymous reading only');
  }
  const wantsPage = request.method === 'GET' && request.headers.accept?.includes('text/html') === true;
  if (wantsPage && door.access !== undefined) {
    await reply.redirect(`/auth/sign-in?next=${encodeURIComponent(request.url)}`, 303);
    return;
  }
  throw httpError('HTTP_ACCOUNT_NEEDED', 'this server wants to know whose request it is', {
    hint: 'Send name and password (or a robot’s secret) as Basic credentials, or sign in at /auth/sign-in.',
  });
}

/** Repositories are decided about one by one later; without accounts, here and now. */
async function guardRegistry(door: Door, request: FastifyRequest, reply: FastifyReply, writes: boolean): Promise<void> {
  try {
    await door.identify(request);
  } catch (error) {
    throw asRegistryError(error, door, request, reply);
  }
  if (door.access !== undefined) return;
  const action = writes ? 'push' : 'pull';
  if (door.allows(door.principalOf(request), { kind: 'repository', repository: '', action })) return;
  if (door.asksForAccounts()) throw httpError('HTTP_ACCOUNT_NEEDED', 'this server answers accounts only');
  // Registry clients understand only the distribution specification's own error body.
  const errors = [{ code: 'DENIED', message: 'this registry allows anonymous reading only', detail: {} }];
  await reply.code(403).send({ errors });
}
