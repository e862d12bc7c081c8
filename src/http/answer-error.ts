import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asCodedError, type HeraklitError, isHeraklitError, type Log, messageOf } from '../base/index.ts';
import type { Problem } from './contract.ts';
import { httpError } from './errors.ts';

const STATUS: Readonly<Record<string, number>> = {
  HTTP_NOT_FOUND: 404,
  HTTP_ACCOUNT_NEEDED: 401,
  HTTP_HOST_REFUSED: 403,
  HTTP_READ_ONLY: 403,
  HTTP_FORBIDDEN: 403,
  HTTP_TOO_MANY_STREAMS: 503,
  ACCESS_CREDENTIALS_MALFORMED: 401,
  ACCESS_CREDENTIALS_REFUSED: 401,
  ACCESS_TOKEN_REFUSED: 401,
  ACCESS_DENIED: 403,
  ACCESS_ACCOUNT_EXISTS: 409,
  ACCESS_OIDC_REFUSED: 403,
  ACCESS_LOCKED: 429,
  ACCESS_RATE_LIMITED: 429,
  HTTP_MAINTENANCE_BUSY: 409,
  INVENTORY_HOST_TAKEN: 403,
  FORGE_SIGNATURE_REFUSED: 401,
};

export function statusOf(error: HeraklitError): number {
  const known = STATUS[error.code];
  if (known !== undefined) return known;
  if (error.kind === 'usage') return /_(?:UNKNOWN|NOT_FOUND|MISSING)$/.test(error.code) ? 404 : 400;
  return error.retryable ? 503 : 500;
}

export function problemOf(error: HeraklitError): Problem {
  const { code, message, hint, retryable } = error;
  return { error: { code, message, hint: hint ?? null, retryable } };
}

function coded(error: unknown): HeraklitError | undefined {
  const known = asCodedError(error);
  if (isHeraklitError(known)) return known;
  const status = (error as { statusCode?: number }).statusCode;
  if (status !== undefined && status < 500) return httpError('HTTP_REQUEST_INVALID', messageOf(error));
  return undefined;
}

/**
 * What Fastify itself refuses, before any route: a URL that does not decode. Under `/v2/` in the form of the OCI
 * distribution specification.
 */
export function answerBadUrl(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.code(400).header('content-type', 'application/json');
  const registry = /^\/v2(?:\/|$)/.test(request.url);
  const body = registry
    ? { errors: [{ code: 'NAME_INVALID', message: error.message, detail: {} }] }
    : problemOf(httpError('HTTP_REQUEST_INVALID', error.message));
  return reply.send(JSON.stringify(body));
}

/** Every error of the API as one JSON form; what nobody foresaw is logged and not explained to the client. */
export function answerErrors(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((error, request, reply) => {
    const known = coded(error);
    if (known !== undefined) {
      const status = statusOf(known);
      const { retryAfter } = known.details;
      if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter);
      // No Basic here: a browser would ask for a password in a window of its own.
      if (status === 401) reply.header('www-authenticate', 'Bearer realm="heraklit"');
      return reply.code(status).send(problemOf(known));
    }
    log.error('request failed', { method: request.method, url: request.url, error: messageOf(error) });
    const problem: Problem = {
      error: { code: 'INTERNAL', message: 'the server failed; its log says why', hint: null, retryable: false },
    };
    return reply.code(500).send(problem);
  });
  server.setNotFoundHandler((request, reply) => {
    const error = httpError('HTTP_NOT_FOUND', `nothing under ${request.method} ${request.url.split('?')[0]}`);
    return reply.code(404).send(problemOf(error));
  });
}
