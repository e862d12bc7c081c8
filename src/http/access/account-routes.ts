import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { AccessAdmin } from '../../access/index.ts';
import * as accessSchemas from '../access-schemas.ts';
import { httpError } from '../errors.ts';
import * as schemas from '../schemas.ts';
import { accountsView, auditView } from './account-view.ts';
import type { Door } from './door.ts';

const text = (description: string, maxLength = 256) => Type.String({ minLength: 1, maxLength, description });
const time = Type.Optional(Type.String({ format: 'date-time', description: 'When it ends, RFC 3339.' }));
const Name = Type.Object({ name: text('Name of an account.') });
const Secret = Type.Object({
  name: text('Name of an account.'),
  id: Type.Integer({ minimum: 1, description: 'Of a secret.' }),
});
const closed = { additionalProperties: false } as const;
const NewAccount = Type.Object(
  {
    name: text('Lower case letters, digits and . _ - + @ inside.'),
    kind: Type.Unsafe<'person' | 'robot'>({ type: 'string', enum: ['person', 'robot'] }),
    password: Type.Optional(Type.String({ maxLength: 1024, description: 'Of a person.' })),
    expires: time,
  },
  closed,
);
const NewPassword = Type.Object({ password: Type.String({ maxLength: 1024 }) }, closed);
const SecretRequest = Type.Object(
  {
    label: Type.Optional(Type.String({ maxLength: 100, description: 'What it is for.' })),
    replace: Type.Optional(Type.Boolean({ description: 'End all other secrets of the account.' })),
    expires: time,
  },
  closed,
);
const Grant = Type.Object(
  {
    to: text('Account, group:NAME or anonymous.'),
    role: text('pull, push, delete, admin; view, metrics.'),
    on: text('Pattern of repositories; ** for view and metrics.'),
  },
  closed,
);
const AuditQuery = Type.Object({
  actor: Type.Optional(text('Only what this account did.')),
  repository: Type.Optional(text('Only this repository.')),
  action: Type.Optional(text('Only this kind, for example manifest.push.')),
  before: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Entries older than this one: `next` of the page before.' }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Entries in the page, 100 by default.' }),
  ),
});

interface Shape {
  readonly answer?: TSchema;
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly body?: TSchema;
}

function describe(operationId: string, summary: string, { answer, ...shape }: Shape): FastifySchema {
  const success = answer === undefined ? { 204: { type: 'null', description: 'Done.' } } : { 200: answer };
  const response = { ...success, '4xx': schemas.Problem, '5xx': schemas.Problem };
  return { operationId, summary, response, ...shape } as FastifySchema;
}

/** Accounts, grants and the audit log: `/api/v1/accounts`, `/api/v1/grants`, `/api/v1/audit`. For admins of everything. */
export function accountRoutes(server: FastifyInstance, door: Door): void {
  const config = { needs: 'admin' } as const;
  const admin = (request: FastifyRequest): AccessAdmin => {
    const { name } = door.principalOf(request);
    if (door.access !== undefined) return door.access.admin({ name, address: request.ip });
    throw httpError('HTTP_NOT_FOUND', 'this server keeps no accounts');
  };
  const at = (expires: string | undefined): number | undefined =>
    expires === undefined ? undefined : Date.parse(expires);

  server.get(
    '/api/v1/accounts',
    { config, schema: describe('accounts', 'Accounts, their secrets and grants', { answer: accessSchemas.Accounts }) },
    (request) => accountsView(admin(request)),
  );
  server.post<{ Body: { name: string; kind: 'person' | 'robot'; password?: string; expires?: string } }>(
    '/api/v1/accounts',
    {
      config,
      schema: describe('addAccount', 'Add a person or a robot', { answer: accessSchemas.NewSecret, body: NewAccount }),
    },
    async (request) => {
      const { name, kind, password = '', expires } = request.body;
      if (kind === 'robot') return admin(request).addRobot({ name, expires: at(expires) });
      await admin(request).addPerson({ name, password, expires: at(expires) });
      return {};
    },
  );
  server.delete<{ Params: { name: string } }>(
    '/api/v1/accounts/:name',
    { config, schema: describe('removeAccount', 'Remove an account and all it was given', { params: Name }) },
    async (request, reply) => {
      await admin(request).remove(request.params.name);
      return reply.code(204).send();
    },
  );
  server.put<{ Params: { name: string }; Body: { password: string } }>(
    '/api/v1/accounts/:name/password',
    { config, schema: describe('setPassword', 'Give a person a new password', { params: Name, body: NewPassword }) },
    async (request, reply) => {
      await admin(request).setPassword(request.params.name, request.body.password);
      return reply.code(204).send();
    },
  );
  server.post<{ Params: { name: string } }>(
    '/api/v1/accounts/:name/sign-out',
    { config, schema: describe('signOut', 'End tokens and sessions of an account', { params: Name }) },
    async (request, reply) => {
      await admin(request).signOut(request.params.name);
      return reply.code(204).send();
    },
  );
  server.post<{ Params: { name: string }; Body: { label?: string; replace?: boolean; expires?: string } }>(
    '/api/v1/accounts/:name/secrets',
    {
      config,
      schema: describe('addSecret', 'One more secret of an account, shown once', {
        answer: accessSchemas.NewSecret,
        params: Name,
        body: SecretRequest,
      }),
    },
    (request) => {
      const { expires, ...secret } = request.body;
      return admin(request).addSecret(request.params.name, { ...secret, expires: at(expires) });
    },
  );
  server.delete<{ Params: { name: string; id: number } }>(
    '/api/v1/accounts/:name/secrets/:id',
    { config, schema: describe('removeSecret', 'End one secret', { params: Secret }) },
    async (request, reply) => {
      await admin(request).removeSecret(request.params.name, request.params.id);
      return reply.code(204).send();
    },
  );
  server.post<{ Body: { to: string; role: string; on: string } }>(
    '/api/v1/grants',
    { config, schema: describe('grant', 'Give an account, a group or everybody a role', { body: Grant }) },
    async (request, reply) => {
      await admin(request).grant(request.body);
      return reply.code(204).send();
    },
  );
  server.delete<{ Querystring: { to: string; role: string; on: string } }>(
    '/api/v1/grants',
    { config, schema: describe('revoke', 'Take a role back', { querystring: Grant }) },
    async (request, reply) => {
      await admin(request).revoke(request.query);
      return reply.code(204).send();
    },
  );
  server.post(
    '/api/v1/keys/rotate',
    { config, schema: describe('rotateKeys', 'Sign tokens with a new key from now on', {}) },
    async (request, reply) => {
      await admin(request).rotateKeys();
      return reply.code(204).send();
    },
  );
  server.get<{
    Querystring: { actor?: string; repository?: string; action?: string; before?: number; limit?: number };
  }>(
    '/api/v1/audit',
    {
      config,
      schema: describe('audit', 'Who changed what, newest first', {
        answer: accessSchemas.Audit,
        querystring: AuditQuery,
      }),
    },
    async (request) => {
      return auditView(await admin(request).audit(request.query));
    },
  );
}
