import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type * as contract from '../hosts-contract.ts';
import * as schemas from '../hosts-schemas.ts';
import { Problem } from '../schemas.ts';

/** Bytes: a host with 1,000 containers of 100 loaded packages says some 10 MB. */
const MAX_REPORT = 32 * 1024 * 1024;

const failures = { '4xx': Problem, '5xx': Problem };
const Page = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Hosts at most; 100 by default.' })),
  after: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: '`next` of the page before.' })),
});
const Digest = Type.Object({
  digest: Type.String({ minLength: 1, maxLength: 200, description: 'Of an image: of its manifest or configuration.' }),
});

/** What hosts report (role `report`), and what is told of it. */
export function hostRoutes(
  server: FastifyInstance,
  reports: contract.HostReports,
  nameOf: (request: FastifyRequest) => string,
): void {
  server.post<{ Body: contract.HostReport }>(
    '/api/v1/hosts/report',
    {
      bodyLimit: MAX_REPORT,
      config: { needs: 'report' },
      schema: {
        operationId: 'report',
        summary: 'What the containers of a host run now; replaces what it said before',
        body: schemas.HostReport,
        response: { 200: schemas.ReportAnswer, ...failures },
      } as object,
    },
    (request) => reports.report(request.body, nameOf(request)),
  );
  server.get<{ Querystring: { limit?: number; after?: string } }>(
    '/api/v1/hosts',
    {
      schema: {
        operationId: 'hosts',
        summary: 'Hosts that report, with their containers',
        querystring: Page,
        response: { 200: schemas.Hosts, ...failures },
      } as object,
    },
    (request) => reports.hosts(request.query),
  );
  server.get<{ Querystring: { digest: string } }>(
    '/api/v1/hosts/running',
    {
      schema: {
        operationId: 'running',
        summary: 'Containers that run an image now',
        querystring: Digest,
        response: { 200: schemas.Running, ...failures },
      } as object,
    },
    (request) => reports.running(request.query.digest),
  );
}
