import type { FastifyInstance, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { ImageBase } from '../base-schemas.ts';
import type {
  ChangesQuery,
  FleetQueries,
  HistoryQuery,
  OutdatedQuery,
  WhereAdvisoryQuery,
  WhereDigestQuery,
  WhereFileQuery,
  WhereQuery,
} from '../queries.ts';
import * as schemas from '../schemas.ts';
import * as searches from '../search-schemas.ts';
import { Sources } from '../sources-schemas.ts';

/** Longest name, reference or range taken from a query string. */
const MAX_PARAMETER = 1024;

const parameter = (description: string) => Type.String({ minLength: 1, maxLength: MAX_PARAMETER, description });

function describe(operationId: string, summary: string, answer: TSchema, querystring?: TSchema): FastifySchema {
  const failures = { '4xx': schemas.Problem, '5xx': schemas.Problem };
  const schema = { operationId, summary, response: { 200: answer, ...failures } };
  return (querystring === undefined ? schema : { ...schema, querystring }) as FastifySchema;
}

const Image = Type.Object({ image: parameter('Name, reference or digest of an image of the fleet.') });
const Pair = Type.Object({ from: parameter('Image before.'), to: parameter('Image after.') });
const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Rows at most; 1,000 by default.' })),
  after: Type.Optional(parameter('`next` of the page before.')),
};
const glob = Type.Optional(parameter('Glob over image references.'));
const day = (description: string) => Type.String({ format: 'date-time', description });
const words = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Optional(Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description }));

const usage = words(
  ['entrypoint', 'linked', 'loaded'],
  'Only what the entry point, or anything, is linked against, or what runs; what is not known counts as linked.',
);

const Outdated = Type.Object({
  image: Type.Optional(parameter('Name, reference or digest: this image alone, outdated or not.')),
  glob,
  distribution: Type.Optional(parameter('`debian/trixie`')),
  severity: words(['critical', 'important'], 'At least.'),
  usage,
  security: Type.Optional(Type.Boolean({ description: 'Security updates alone.' })),
  since: Type.Optional(day('Only updates published then or later.')),
  ...page,
});
const WherePackage = Type.Object({
  package: parameter('Package name.'),
  version: Type.Optional(parameter('Version range in the order of the format, for example `<< 3.0.11-1`.')),
  type: Type.Optional(parameter('`deb`, `rpm`, `apk`, `alpm`, `npm`, `pypi`, …')),
  usage,
  image: glob,
  ...page,
});
const WhereFile = Type.Object({
  path: Type.Optional(parameter('Absolute path, name in any folder, or glob. One of path, soname, sha256.')),
  soname: Type.Optional(parameter('Name of a shared library.')),
  sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Content of a file.' })),
  image: glob,
  ...page,
});
const WhereDigest = Type.Object({
  digest: parameter('Of an image, a layer (diff id) or a file.'),
  image: glob,
  ...page,
});
const WhereAdvisory = Type.Object({
  advisory: parameter('CVE id, or an advisory’s own.'),
  state: words(['missing', 'affected', 'fixed'], 'Only images in this state.'),
  image: glob,
  ...page,
});
const OneImage = Type.Object({ image: parameter('Name, reference or digest.'), ...page });
const Changes = Type.Object({ from: day('Earlier time.'), to: day('Later time.'), image: glob, ...page });

/** Questions about the fleet: one route for each method of the port. */
export function fleetRoutes(server: FastifyInstance, queries: FleetQueries): void {
  server.get(
    '/api/v1/fleet',
    { schema: describe('fleet', 'All images of the fleet, with totals', schemas.Fleet) },
    () => queries.fleet(),
  );
  server.get('/api/v1/fleet/totals', { schema: describe('totals', 'The fleet in numbers', schemas.FleetTotals) }, () =>
    queries.totals(),
  );
  server.get<{ Querystring: OutdatedQuery }>(
    '/api/v1/findings',
    { schema: describe('findings', 'Missing updates of all images, or of one', schemas.Outdated, Outdated) },
    (request) => queries.outdated(request.query),
  );
  server.get('/api/v1/plan', { schema: describe('plan', 'What is being done, in order', schemas.Plan) }, () =>
    queries.plan(),
  );
  whereRoutes(server, queries);
  pastRoutes(server, queries);
  server.get<{ Querystring: { image: string } }>(
    '/api/v1/base',
    { schema: describe('base', 'What an image stands on, and how that is known', ImageBase, Image) },
    (request) => queries.base(request.query.image),
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
    '/api/v1/sources',
    { schema: describe('sources', 'Sources of images that are crawled, and how that goes', Sources) },
    () => queries.sources(),
  );
  server.get(
    '/api/v1/workloads',
    { schema: describe('workloads', 'Running things and the images they use', schemas.Workloads) },
    () => queries.workloads(),
  );
}

function whereRoutes(server: FastifyInstance, queries: FleetQueries): void {
  server.get<{ Querystring: WhereQuery }>(
    '/api/v1/where',
    { schema: describe('where', 'Which images and workloads have a package', searches.Where, WherePackage) },
    (request) => queries.where(request.query),
  );
  server.get<{ Querystring: WhereFileQuery }>(
    '/api/v1/where/file',
    { schema: describe('whereFile', 'Which images show a file', searches.WhereFile, WhereFile) },
    (request) => queries.whereFile(request.query),
  );
  server.get<{ Querystring: WhereDigestQuery }>(
    '/api/v1/where/digest',
    { schema: describe('whereDigest', 'What a digest is to which images', searches.WhereDigest, WhereDigest) },
    (request) => queries.whereDigest(request.query),
  );
  server.get<{ Querystring: WhereAdvisoryQuery }>(
    '/api/v1/where/advisory',
    {
      schema: describe(
        'whereAdvisory',
        'Which images miss the fix of an advisory, and which have it',
        searches.WhereAdvisory,
        WhereAdvisory,
      ),
    },
    (request) => queries.whereAdvisory(request.query),
  );
}

function pastRoutes(server: FastifyInstance, queries: FleetQueries): void {
  server.get<{ Querystring: HistoryQuery }>(
    '/api/v1/history',
    { schema: describe('history', 'What a reference has meant, with what changed', searches.History, OneImage) },
    (request) => queries.history(request.query),
  );
  server.get<{ Querystring: ChangesQuery }>(
    '/api/v1/fleet/changes',
    { schema: describe('fleetChanges', 'Packages that changed between two times', searches.FleetChanges, Changes) },
    (request) => queries.changes(request.query),
  );
  server.get<{ Querystring: ChangesQuery }>(
    '/api/v1/fleet/moved',
    { schema: describe('fleetMoved', 'References that moved between two times', searches.MovedReferences, Changes) },
    (request) => queries.moved(request.query),
  );
  server.get<{ Querystring: HistoryQuery }>(
    '/api/v1/explain',
    { schema: describe('explain', 'What was made of an image, why and how', schemas.Explanation, OneImage) },
    (request) => queries.explain(request.query),
  );
}
