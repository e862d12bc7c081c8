import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type * as contract from '../rollouts-contract.ts';
import * as schemas from '../rollouts-schemas.ts';
import { Problem } from '../schemas.ts';

const ACTIONS = ['pause', 'resume', 'abort', 'approve', 'rollback'] as const satisfies contract.RolloutAction[];

const parameter = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
const List = Type.Object({
  all: Type.Optional(Type.Boolean({ description: 'Those that have ended, too.' })),
  image: Type.Optional(parameter('Image of the fleet.')),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Rollouts at most; 100 by default.' })),
  after: Type.Optional(Type.String({ pattern: '^[0-9]{1,10}$', description: '`next` of the page before.' })),
});
const Id = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) });
const Simulation = Type.Object({
  image: parameter('Image of the fleet.'),
  digest: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$', description: 'The released one by default.' })),
});

function describe(operationId: string, summary: string, answer: TSchema, more: object = {}): FastifySchema {
  return { operationId, summary, response: { 200: answer, '4xx': Problem, '5xx': Problem }, ...more } as FastifySchema;
}

/** Rollouts: what they are at (role `view`), and what people say to them (whoever may change something). */
export function rolloutRoutes(
  server: FastifyInstance,
  rollouts: contract.Rollouts,
  actorOf: (request: FastifyRequest) => contract.RolloutActor,
): void {
  const at = '/api/v1/rollouts';
  server.get<{ Querystring: contract.RolloutsQuery }>(
    at,
    { schema: describe('rollouts', 'Rollouts, newest first', schemas.RolloutPage, { querystring: List }) },
    (request) => rollouts.list(request.query),
  );
  server.get(
    `${at}/findings`,
    { schema: describe('rolloutFindings', 'Workloads that break the rules of their zone', schemas.RolloutFindings) },
    () => rollouts.findings(),
  );
  server.get(
    `${at}/runtimes`,
    {
      schema: describe(
        'rolloutRuntimes',
        'Clusters, engines and repositories, and which are away',
        schemas.RolloutRuntimes,
      ),
    },
    () => rollouts.runtimes(),
  );
  server.get<{ Querystring: { image: string; digest?: string } }>(
    `${at}/simulation`,
    {
      schema: describe('simulateRollout', 'What a rollout would do; nothing is touched', schemas.RolloutSimulation, {
        querystring: Simulation,
      }),
    },
    ({ query }) => rollouts.simulate(query.image, query.digest),
  );
  server.get<{ Params: { id: number } }>(
    `${at}/:id`,
    { schema: describe('rollout', 'A rollout with its history', schemas.RolloutHistory, { params: Id }) },
    (request) => rollouts.show(request.params.id),
  );
  for (const action of ACTIONS) {
    const body = Type.Optional(schemas.RolloutWord);
    server.post<{ Params: { id: number }; Body: contract.RolloutWord | null }>(
      `${at}/:id/${action}`,
      { schema: describe(`${action}Rollout`, SUMMARIES[action], schemas.RolloutPage, { params: Id, body }) },
      (request) => rollouts.act(request.params.id, action, request.body ?? {}, actorOf(request)),
    );
  }
  server.post<{ Body: { workload: string; reason?: string; quarantine?: boolean } }>(
    `${at}/rollback`,
    {
      schema: describe('takeBack', 'Brings a workload back to what it ran before', schemas.RolloutPage, {
        body: schemas.TakeBack,
      }),
    },
    (request) => {
      const { workload, ...word } = request.body;
      return rollouts.takeBack(workload, word, actorOf(request));
    },
  );
  server.get(
    '/api/v1/quarantine',
    { schema: describe('quarantine', 'Digests that are not offered again, newest first', schemas.Quarantine) },
    () => rollouts.quarantine(),
  );
  server.post<{ Body: { digest: string; reason?: string } }>(
    '/api/v1/quarantine/lift',
    {
      schema: describe('liftQuarantine', 'Lets a digest be offered again', schemas.Quarantine, {
        body: schemas.QuarantineLift,
      }),
    },
    (request) => {
      const { digest, ...word } = request.body;
      return rollouts.lift(digest, word, actorOf(request));
    },
  );
  server.post<{ Body: Parameters<contract.Rollouts['promote']>[0] }>(
    '/api/v1/promotions',
    { schema: describe('promote', 'Brings an image to a stage', schemas.RolloutPage, { body: schemas.Promotion }) },
    (request) => rollouts.promote(request.body, actorOf(request)),
  );
}

const SUMMARIES: Readonly<Record<contract.RolloutAction, string>> = {
  pause: 'Holds a rollout at its next step or workload',
  resume: 'Lets a paused rollout go on',
  abort: 'Ends a rollout; what is half-way is taken back',
  approve: 'Approves a stage of a rollout',
  rollback: 'Brings back what ran before a rollout that has ended',
};
