import type { FastifyInstance, RouteOptions } from 'fastify';

interface ApiSchema {
  readonly hide?: boolean;
  readonly operationId?: string;
  readonly summary?: string;
  readonly querystring?: ObjectSchema;
  readonly response?: Readonly<Record<string, object>>;
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
}

/** The API's description, put together from the schemas of the routes as they are registered. */
export interface ApiDescription {
  document(): object;
}

/** Must be called before the routes are added. Schemas in `named` stand once, under components. OpenAPI 3.1, whose schemas are plain JSON Schema. */
export function describeApi(server: FastifyInstance, named: Readonly<Record<string, object>>): ApiDescription {
  const references = new Map(Object.entries(named).map(([name, schema]) => [schema, `#/components/schemas/${name}`]));
  const paths: Record<string, Record<string, object>> = {};
  server.addHook('onRoute', (route: RouteOptions) => {
    const schema = route.schema as ApiSchema | undefined;
    if (!route.url.startsWith('/api/') || schema === undefined || schema.hide === true) return;
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue;
      paths[route.url] = { ...paths[route.url], [method.toLowerCase()]: operationOf(schema, references) };
    }
  });
  return {
    document: () => ({
      openapi: '3.1.0',
      info: {
        title: 'heraklit',
        version: '1',
        description: 'Which container images miss which updates, what is done about it, and what happened.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { schemas: named },
      paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    }),
  };
}

function operationOf(schema: ApiSchema, references: ReadonlyMap<object, string>): object {
  const { operationId, summary, querystring, response = {} } = schema;
  const parameters = Object.entries(querystring?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    const required = querystring?.required?.includes(name) === true;
    return { name, in: 'query', required, ...(description === undefined ? {} : { description }), schema: rest };
  });
  const responses = Object.fromEntries(
    Object.entries(response).map(([status, body]) => [
      status.toUpperCase(),
      {
        description: status === '200' ? 'The answer' : 'What went wrong',
        content: { 'application/json': { schema: references.has(body) ? { $ref: references.get(body) } : body } },
      },
    ]),
  );
  return { operationId, summary, ...(parameters.length === 0 ? {} : { parameters }), responses };
}
