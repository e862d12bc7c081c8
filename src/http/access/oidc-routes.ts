import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Access, type IdentityProvider, type PendingSignIn, SESSION_LIFETIME } from '../../access/index.ts';
import { isHeraklitError } from '../../base/index.ts';
import { httpError } from '../errors.ts';
import { cookie } from './cookie.ts';
import type { Door } from './door.ts';
import { localPath } from './session-routes.ts';
import { signInPage } from './sign-in-page.ts';

const OPEN = { schema: { hide: true } as object, config: { needs: 'open' } } as const;
const CALLBACK = '/auth/oidc/callback';
/** Seconds somebody may take at the provider. */
const PENDING = 600;
/** Milliseconds a terminal's secret lives: how long somebody who left can still pull. */
const DEVICE_SECRET = 30 * 24 * 3_600_000;
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** `/auth/oidc` for browsers (authorization code with PKCE), `/auth/device` for terminals (RFC 8628). */
export function oidcRoutes(server: FastifyInstance, door: Door, access: Access, provider: IdentityProvider): void {
  // Lax: the provider's answer is a navigation from another site. The session's own cookie stays Strict.
  const pending = cookie('heraklit-pending', { secure: door.secure, sameSite: 'Lax' });

  server.get<{ Querystring: { next?: string } }>('/auth/oidc', OPEN, async (request, reply) => {
    door.throttle(request);
    const begun = await provider.begin(door.baseUrl(request) + CALLBACK);
    const carried = { ...begun.pending, next: localPath(request.query.next) };
    pending.write(reply, Buffer.from(JSON.stringify(carried)).toString('base64url'), PENDING);
    return reply.header('cache-control', 'no-store').redirect(begun.url.href, 303);
  });

  server.get(CALLBACK, OPEN, async (request, reply) => {
    door.throttle(request);
    const carried = readPending(pending.read(request));
    if (carried === undefined) return refuse(reply, 'This sign-in was not begun here, or took too long.');
    try {
      const identity = await provider.finish(new URL(request.url, door.baseUrl(request)), carried);
      const principal = await access.admit(identity, request.ip);
      pending.clear(reply);
      door.session.write(reply, await access.sessions.start(principal), SESSION_LIFETIME / 1_000);
      return goOn(reply, localPath(carried.next));
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      return refuse(reply, error.message);
    }
  });

  server.post('/auth/device', OPEN, async (request, reply) => {
    door.throttle(request);
    const code = await provider.beginDevice();
    return reply.header('cache-control', 'no-store').send(code);
  });

  server.post<{ Body: { device?: unknown } | null }>('/auth/device/token', OPEN, async (request, reply) => {
    door.throttle(request);
    const device = request.body?.device;
    if (typeof device !== 'string' || device.length > 4_096) {
      throw httpError('HTTP_REQUEST_INVALID', 'the body is {"device": "…"} as /auth/device gave it');
    }
    reply.header('cache-control', 'no-store');
    const identity = await provider.pollDevice(device);
    if (identity === undefined) return reply.code(202).send({ pending: true });
    const { name } = await access.admit(identity, request.ip);
    const expires = Date.now() + DEVICE_SECRET;
    const { secret } = await access.admin({ name, address: request.ip }).addSecret(name, { label: 'device', expires });
    return reply.send({ name, secret, expires: new Date(expires).toISOString() });
  });
}

/** The browser comes from the provider's site, so a redirect would not carry the Strict cookie; a page of ours does. */
function goOn(reply: FastifyReply, next: string): FastifyReply {
  const target = next.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .header('cache-control', 'no-store')
    .send(`<!doctype html><meta http-equiv="refresh" content="0; url=${target}"><a href="${target}">signed in</a>`);
}

function refuse(reply: FastifyReply, message: string): FastifyReply {
  return reply
    .code(403)
    .type('text/html; charset=utf-8')
    .header('content-security-policy', `${POLICY}; form-action 'self'`)
    .header('cache-control', 'no-store')
    .send(signInPage({ next: '/', message }));
}

function readPending(value: string | undefined): (PendingSignIn & { readonly next: string }) | undefined {
  try {
    const read = JSON.parse(Buffer.from(value ?? '', 'base64url').toString()) as Record<string, unknown>;
    const { state, nonce, verifier, next } = read;
    if ([state, nonce, verifier, next].some((one) => typeof one !== 'string')) return undefined;
    return { state: String(state), nonce: String(nonce), verifier: String(verifier), next: String(next) };
  } catch {
    return undefined;
  }
}
