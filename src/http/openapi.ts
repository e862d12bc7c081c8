import type { FastifyInstance, RouteOptions } from 'fastify';

interface ApiSchema {
  readonly hide?: boolean;
  readonly operationId?: string;
  readonly summary?: string;
  readonly querystring?: ObjectSchema;
  readonly params?: ObjectSchema;
  readonly body?: object;
  /** What each line is of an answer that comes as lines of JSON. */
  readonly lines?: object;
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
      const path = route.url.replace(/:([a-z]+)/g, '{$1}');
      paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(schema, references) };
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
      components: { schemas: Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1))) },
      paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    }),
  };
}

function operationOf(schema: ApiSchema, references: ReadonlyMap<object, string>): object {
  const { operationId, summary, querystring, params, body, lines, response = {} } = schema;
  const parameters = [...parametersOf('path', params), ...parametersOf('query', querystring)];
  const responses = Object.fromEntries(
    Object.entries(response).map(([status, body]) => [
      status.toUpperCase(),
      {
        description: status.startsWith('2') ? 'The answer' : 'What went wrong',
        content: { 'application/json': { schema: references.has(body) ? { $ref: references.get(body) } : body } },
      },
    ]),
  );
  return {
    operationId,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: lines === undefined, content: { 'application/json': { schema: body } } } }),
    responses: lines === undefined ? responses : { 200: linesOf(lines), ...responses },
  };
}

const linesOf = (schema: object): object => ({
  description: 'The answer, a JSON document a line',
  content: { 'application/x-ndjson': { schema } },
});

function parametersOf(place: 'path' | 'query', schema: ObjectSchema | undefined): readonly object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    const required = schema?.required?.includes(name) === true;
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
  });
}
