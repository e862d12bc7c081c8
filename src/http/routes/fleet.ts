import type { FastifyInstance, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { FleetQueries, WhereQuery } from '../queries.ts';
import * as schemas from '../schemas.ts';

/** Longest name, reference or range taken from a query string. */
const MAX_PARAMETER = 1024;

const parameter = (description: string) => Type.String({ minLength: 1, maxLength: MAX_PARAMETER, description });

function describe(operationId: string, summary: string, answer: TSchema, querystring?: TSchema): FastifySchema {
  const failures = { '4xx': schemas.Problem, '5xx': schemas.Problem };
  const schema = { operationId, summary, response: { 200: answer, ...failures } };
  return (querystring === undefined ? schema : { ...schema, querystring }) as FastifySchema;
}

const Image = Type.Object({ image: parameter('Name, reference or digest of an image of the fleet.') });
const OptionalImage = Type.Partial(Image);
const Pair = Type.Object({ from: parameter('Image before.'), to: parameter('Image after.') });
const Search = Type.Object({
  package: parameter('Package name.'),
  version: Type.Optional(parameter('Version range, for example `<< 3.0.11-1`.')),
  image: Type.Optional(parameter('Glob over image references.')),
});

/** Questions about the fleet: one route for each method of the port. */
export function fleetRoutes(server: FastifyInstance, queries: FleetQueries): void {
  server.get(
    '/api/v1/fleet',
    { schema: describe('fleet', 'All images of the fleet, with totals', schemas.Fleet) },
    () => queries.fleet(),
  );
  server.get<{ Querystring: { image?: string } }>(
    '/api/v1/findings',
    { schema: describe('findings', 'Missing updates of all images, or of one', schemas.Outdated, OptionalImage) },
    (request) => queries.outdated(request.query.image),
  );
  server.get('/api/v1/plan', { schema: describe('plan', 'What is being done, in order', schemas.Plan) }, () =>
    queries.plan(),
  );
  server.get<{ Querystring: WhereQuery }>(
    '/api/v1/where',
    { schema: describe('where', 'Which images and workloads have a package', schemas.Where, Search) },
    (request) => queries.where(request.query),
  );
  server.get<{ Querystring: { image: string } }>(
    '/api/v1/layers',
    { schema: describe('layers', 'What each layer of an image adds', schemas.Layers, Image) },
    (request) => queries.layers(request.query.image),
  );
  server.get<{ Querystring: { from: string; to: string } }>(
    '/api/v1/diff',
    { schema: describe('diff', 'How two images differ', schemas.Diff, Pair) },
    (request) => queries.diff(request.query.from, request.query.to),
  );
  server.get(
    '/api/v1/workloads',
    { schema: describe('workloads', 'Running things and the images they use', schemas.Workloads) },
    () => queries.workloads(),
  );
}
