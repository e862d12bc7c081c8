import { resolve } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { type Log, silentLog } from '../base/index.ts';
import { answerBadUrl, answerErrors } from './answer-error.ts';
import { type BindDecision, type BindOptions, decideBind } from './bind.ts';
import { httpError } from './errors.ts';
import type { EventStream } from './event-stream.ts';
import { type Authenticate, guardRequests } from './guard.ts';
import { describeApi } from './openapi.ts';
import type { FleetQueries } from './queries.ts';
import { eventRoutes, MAX_STREAMS, type StreamCount } from './routes/events.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { uiRoutes } from './routes/ui.ts';
import * as schemas from './schemas.ts';

/** Where `vite build web` puts the page; the same distance from `src/http` and from `dist/http`. */
const WEB = resolve(import.meta.dirname, '../../web/dist');

export interface HttpServerOptions {
  readonly queries: FleetQueries;
  readonly events: EventStream;
  /** Adds `/v2/`: `(scope) => scope.register(registryRoutes, { … })`. */
  readonly registry?: (scope: FastifyInstance) => Promise<unknown> | unknown;
  /** What `/readyz` waits for; by default one look at the fleet. */
  readonly ready?: () => Promise<unknown>;
  readonly log?: Log;
  /** Asked where anonymous access does not suffice; without it such requests are refused. */
  readonly authenticate?: Authenticate;
  /** Event streams open at once, 1000 by default. */
  readonly maxStreams?: number;
  /** From `decideBind`. */
  readonly bind: BindDecision;
  /** Built page, `web/dist` by default. */
  readonly web?: string;
}

/** The whole HTTP side: API, event stream, registry, metrics, health, page. Not yet listening. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { queries, events, bind, log = silentLog } = options;
  // Registry pushes stream past this limit; it holds for what is parsed.
  const server = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    forceCloseConnections: true,
    return503OnClosing: true,
    frameworkErrors: answerBadUrl,
  });
  const streams: StreamCount = { open: 0, limit: options.maxStreams ?? MAX_STREAMS };
  const api = describeApi(server, schemas);
  answerErrors(server, log);
  guardRequests(server, bind, options.authenticate);
  await server.register(async (scope) => {
    await uiRoutes(scope, options.web ?? WEB);
    metricsRoute(scope, queries, streams);
    healthRoutes(scope, options.ready ?? (() => queries.fleet()), log);
    fleetRoutes(scope, queries);
    eventRoutes(scope, events, streams);
    scope.get('/api/v1/openapi.json', { schema: { hide: true } as object }, async () => api.document());
  });
  const { registry } = options;
  if (registry !== undefined) await server.register(async (scope) => void (await registry(scope)));
  return server;
}

export interface ListenOptions extends BindOptions {
  readonly port: number;
}

/**
 * Decides who may do what, builds the server and listens.
 * @returns the server and the URL it is reached under
 * @throws HTTP_BIND_REFUSED, HTTP_ADDRESS_IN_USE
 */
export async function serveHttp(
  options: Omit<HttpServerOptions, 'bind'>,
  listen: ListenOptions,
): Promise<{ readonly server: FastifyInstance; readonly url: string }> {
  const server = await createHttpServer({ ...options, bind: decideBind(listen) });
  try {
    return { server, url: await server.listen({ host: listen.host, port: listen.port }) };
  } catch (error) {
    await server.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw httpError('HTTP_ADDRESS_IN_USE', `${listen.host}:${listen.port} is in use`, {
      cause: error,
      hint: 'Stop what listens there or choose another --port.',
    });
  }
}
