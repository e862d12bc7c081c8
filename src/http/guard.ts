import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type BindDecision, isLoopback } from './bind.ts';
import { httpError } from './errors.ts';

/** Says whether a request carries a valid account; absent while there are none. */
export type Authenticate = (request: FastifyRequest) => Promise<boolean>;

/** Probes carry no account. */
const OPEN = new Set(['/healthz', '/readyz']);
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
 * Refuses what anonymous access does not cover. On loopback, where everybody on the machine may write, a browser is
 * the way in from outside: foreign host names (DNS rebinding) and foreign origins are refused.
 */
export function guardRequests(server: FastifyInstance, decision: BindDecision, authenticate?: Authenticate): void {
  server.addHook('onRequest', async (request, reply) => {
    const writes = !SAFE.has(request.method);
    if (decision.loopback && !isLoopback(hostOf(request.headers.host ?? 'localhost'))) {
      throw httpError('HTTP_HOST_REFUSED', `this server is for this machine only, not for ${request.headers.host}`);
    }
    if (writes && isForeignOrigin(request)) {
      throw httpError('HTTP_HOST_REFUSED', `a page of ${request.headers.origin} may not write here`);
    }
    const anonymous = decision.anonymous;
    if (anonymous === 'write' || (anonymous === 'read' && !writes) || OPEN.has(request.url)) return;
    if (await authenticate?.(request)) return;
    if (anonymous === 'nothing') throw httpError('HTTP_ACCOUNT_NEEDED', 'this server answers accounts only');
    if (!request.url.startsWith('/v2')) throw httpError('HTTP_READ_ONLY', 'this server allows anonymous reading only');
    // Registry clients understand only the distribution specification's own error body.
    const errors = [{ code: 'DENIED', message: 'this registry allows anonymous reading only', detail: {} }];
    await reply.code(403).send({ errors });
  });
}
