import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Access, type IssuedToken, type Principal, parseAuthorization, parseScopes } from '../../access/index.ts';
import { HeraklitError } from '../../base/index.ts';
import { acceptForms } from './forms.ts';

const OPEN = { schema: { hide: true } as object, config: { needs: 'open' } } as const;

/**
 * `/auth/token` of the distribution project's token specification: GET with Basic credentials or none, POST as OAuth 2.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export function tokenRoutes(server: FastifyInstance, access: Access): void {
  acceptForms(server);
  server.get<{ Querystring: Query }>('/auth/token', OPEN, async (request, reply) => {
    const { service, scope, offline_token: offline } = request.query;
    if (service !== undefined && service !== access.service) {
      return fail(
        reply,
        400,
        'invalid_request',
        `there is no service ${JSON.stringify(text(service).slice(0, 200))} here`,
      );
    }
    try {
      const principal = await signIn(access, request);
      const issued = await access.issueToken(principal, parseScopes([scope ?? []].flat()), offline === 'true');
      return answer(reply, issued);
    } catch (error) {
      return failWith(reply, error);
    }
  });
  server.post<{ Body: unknown }>('/auth/token', OPEN, async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const field = (name: string): string => form.get(name) ?? '';
    if (form.has('service') && field('service') !== access.service) {
      return fail(reply, 400, 'invalid_request', 'there is no such service here');
    }
    try {
      const grant = field('grant_type');
      if (grant !== 'password' && grant !== 'refresh_token') {
        return fail(reply, 400, 'unsupported_grant_type', 'grant_type is password or refresh_token');
      }
      const principal =
        grant === 'password'
          ? await access.authenticate(
              { kind: 'basic', name: field('username'), password: field('password') },
              request.ip,
            )
          : await access.redeemRefreshToken(field('refresh_token'));
      const scopes = parseScopes(form.getAll('scope'));
      const issued = await access.issueToken(
        principal,
        scopes,
        grant === 'password' && field('access_type') === 'offline',
      );
      const scope = scopes.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ');
      // A refresh token stays the same: docker login keeps it, and never stores another one.
      return answer(
        reply,
        grant === 'refresh_token' ? { ...issued, refreshToken: field('refresh_token') } : issued,
        scope,
      );
    } catch (error) {
      return failWith(reply, error);
    }
  });
}

interface Query {
  readonly service?: string | string[];
  readonly scope?: string | string[];
  readonly offline_token?: string;
}

const text = (value: string | string[]): string => [value].flat().join(' ');

/** Basic credentials or none. A token is no credential for another token. */
function signIn(access: Access, request: FastifyRequest): Promise<Principal> {
  const presented = parseAuthorization(request.headers.authorization);
  return access.authenticate(presented.kind === 'bearer' ? { kind: 'none' } : presented, request.ip);
}

function answer(reply: FastifyReply, issued: IssuedToken, scope?: string): FastifyReply {
  const { token, expiresIn, issuedAt, refreshToken } = issued;
  return reply.header('cache-control', 'no-store').send({
    token,
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    issued_at: issuedAt,
    ...(scope === undefined ? {} : { scope }),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  });
}

function failWith(reply: FastifyReply, error: unknown): FastifyReply {
  if (!(error instanceof HeraklitError) || !error.code.startsWith('ACCESS_')) throw error;
  const { retryAfter } = error.details;
  if (typeof retryAfter === 'number') {
    return fail(reply.header('retry-after', retryAfter), 429, 'slow_down', error.message, 'TOOMANYREQUESTS');
  }
  if (error.code === 'ACCESS_SCOPE_INVALID') return fail(reply, 400, 'invalid_scope', error.message);
  reply.header('www-authenticate', 'Basic realm="heraklit", charset="UTF-8"');
  return fail(reply, 401, 'invalid_grant', error.message);
}

/** OAuth's words (RFC 6749, 5.2) and the registry's own: clients read one or the other. */
function fail(
  reply: FastifyReply,
  status: number,
  error: string,
  message: string,
  code = 'UNAUTHORIZED',
): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .send({ error, error_description: message, errors: [{ code, message, detail: {} }] });
}
