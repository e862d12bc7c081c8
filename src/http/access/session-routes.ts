import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Access, SESSION_LIFETIME } from '../../access/index.ts';
import * as accessSchemas from '../access-schemas.ts';
import * as schemas from '../schemas.ts';
import { sendPage } from './account-page.ts';
import type { Door } from './door.ts';
import { acceptForms } from './forms.ts';
import { refusalOf } from './refusal.ts';
import { type SignInPage, signInPage } from './sign-in-page.ts';

const OPEN = { schema: { hide: true } as object, config: { needs: 'open' } } as const;

/** `/auth/sign-in` and `/auth/sign-out` for browsers, `/api/v1/me` for the page. */
export function sessionRoutes(server: FastifyInstance, door: Door, access: Access): void {
  acceptForms(server);
  const provider = door.provider === undefined ? undefined : { name: door.provider.name, path: '/auth/oidc' };
  const page = (reply: FastifyReply, status: number, content: Omit<SignInPage, 'provider'>): FastifyReply =>
    sendPage(reply, status, signInPage({ ...content, ...(provider === undefined ? {} : { provider }) }));

  server.get<{ Querystring: { next?: string } }>('/auth/sign-in', OPEN, async (request, reply) =>
    page(reply, 200, { next: localPath(request.query.next) }),
  );
  server.post('/auth/sign-in', OPEN, async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const name = form.get('name') ?? '';
    const next = localPath(form.get('next') ?? undefined);
    try {
      const presented = { kind: 'basic', name, password: form.get('password') ?? '' } as const;
      const principal = await access.authenticate(presented, request.ip);
      door.session.write(reply, await access.sessions.start(principal), SESSION_LIFETIME / 1_000);
      access.note({ actor: principal.name, action: 'sign-in', address: request.ip, result: 'done' });
      return reply.redirect(next, 303);
    } catch (error) {
      const { status, message } = refusalOf(error, reply);
      return page(reply, status, { next, name, message });
    }
  });
  server.post('/auth/sign-out', OPEN, async (request, reply) => {
    const cookie = door.session.read(request);
    if (cookie !== undefined) await access.sessions.end(cookie);
    door.session.clear(reply);
    return reply.redirect('/auth/sign-in', 303);
  });
  const schema = {
    operationId: 'me',
    summary: 'Who is asking, and what they may see',
    response: { 200: accessSchemas.Me, '4xx': schemas.Problem, '5xx': schemas.Problem },
  };
  server.get('/api/v1/me', { schema, config: { needs: 'open' } }, async (request) => {
    const principal = await door.identify(request);
    return {
      name: principal.name,
      kind: principal.kind,
      view: door.allows(principal, { kind: 'view' }),
      change: door.allows(principal, { kind: 'change' }),
      admin: door.allows(principal, { kind: 'admin' }),
      accounts: door.asksForAccounts(),
    };
  });
}

/** Only a path of this server: what else a link names could be anybody's page that looks like ours. */
export function localPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) && !next.includes('\\') ? next : '/';
}
