import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { type Access, type Principal, SESSION_LIFETIME } from '../../access/index.ts';
import * as schemas from '../schemas.ts';
import { sendPage } from './account-page.ts';
import type { Door } from './door.ts';
import { acceptForms } from './forms.ts';
import { passwordPage } from './password-page.ts';
import { refusalOf } from './refusal.ts';

const NewPassword = Type.Object(
  {
    current: Type.String({ maxLength: 1024, description: 'The password so far; a secret does not do.' }),
    password: Type.String({ maxLength: 1024, description: '12 characters or more.' }),
  },
  { additionalProperties: false },
);

/** People's own passwords: `/auth/password` for browsers, `PUT /api/v1/me/password` for programs. */
export function passwordRoutes(server: FastifyInstance, door: Door, access: Access): void {
  acceptForms(server);
  const hidden = { schema: { hide: true } as object, config: { needs: 'open' } } as const;
  server.get('/auth/password', hidden, async (request, reply) => {
    const principal: Principal = await door.identify(request);
    return sendPage(reply, 200, passwordPage(principal.kind === 'person' ? { name: principal.name } : {}));
  });
  // The password so far stands in the form itself, so that no other site can send it without knowing it.
  server.post('/auth/password', hidden, async (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const [name = '', current = '', password = ''] = ['name', 'current', 'password'].map((key) => form.get(key) ?? '');
    if (password !== form.get('again')) {
      return sendPage(reply, 400, passwordPage({ name, message: 'The new password is not the same both times.' }));
    }
    try {
      const principal = await access.changePassword({ name, current, password }, request.ip);
      door.session.write(reply, await access.sessions.start(principal), SESSION_LIFETIME / 1_000);
      return reply.redirect('/', 303);
    } catch (error) {
      const { status, message } = refusalOf(error, reply);
      return sendPage(reply, status, passwordPage({ name, message }));
    }
  });
  const schema = {
    operationId: 'changePassword',
    summary: 'A new password of one’s own; tokens and sessions of the old one end',
    body: NewPassword,
    response: {
      204: { type: 'null', description: 'Done.' },
      '4xx': schemas.Problem,
      '5xx': schemas.Problem,
    },
  };
  server.put<{ Body: { current: string; password: string } }>(
    '/api/v1/me/password',
    { schema, config: { needs: 'open' } },
    async (request, reply) => {
      const { name } = await door.identify(request);
      await access.changePassword({ name, ...request.body }, request.ip);
      return reply.code(204).send();
    },
  );
}
