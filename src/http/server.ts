import { fileURLToPath } from 'node:url';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Log, packageFile, silentLog } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { WebhookReceiver } from '../engine/index.ts';
import type { RegistryCatalogue, RegistryMaintenance, RegistryServerOptions } from '../registry/index.ts';
import { accountRoutes } from './access/account-routes.ts';
import { auditedCatalogue, rememberRequest } from './access/audited-catalogue.ts';
import { createDoor, type DoorOptions } from './access/door.ts';
import { oidcRoutes } from './access/oidc-routes.ts';
import { passwordRoutes } from './access/password-routes.ts';
import { registryAuthorize } from './access/registry-authorize.ts';
import { sessionRoutes } from './access/session-routes.ts';
import { tokenRoutes } from './access/token-routes.ts';
import * as accessSchemas from './access-schemas.ts';
import { answerBadUrl, answerErrors } from './answer-error.ts';
import * as baseSchemas from './base-schemas.ts';
import { type BindDecision, type BindOptions, decideBind, isLoopback } from './bind.ts';
import { httpError } from './errors.ts';
import type { EventStream } from './event-stream.ts';
import { guardRequests } from './guard.ts';
import type { HostReports } from './hosts-contract.ts';
import * as hostsSchemas from './hosts-schemas.ts';
import { describeApi } from './openapi.ts';
import { type Operations, type OperationsOptions, operate } from './operations/operate.ts';
import type { FleetQueries } from './queries.ts';
import type { Rollouts } from './rollouts-contract.ts';
import * as rolloutsSchemas from './rollouts-schemas.ts';
import { eventRoutes, MAX_STREAMS, type StreamCount } from './routes/events.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { healthRoutes } from './routes/health.ts';
import { hostRoutes } from './routes/hosts.ts';
import { maintenanceRoutes } from './routes/maintenance.ts';
import { metricsRoute } from './routes/metrics.ts';
import { rolloutRoutes } from './routes/rollouts.ts';
import { uiRoutes } from './routes/ui.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import * as schemas from './schemas.ts';
import * as searchSchemas from './search-schemas.ts';
import * as sourcesSchemas from './sources-schemas.ts';
import { listenLocally, type TlsServing } from './tls.ts';

/** Where `vite build web` puts the page. */
const WEB = fileURLToPath(packageFile('web/dist'));

const MAX_CONNECTIONS = 10_000;
/** Milliseconds. */
const HEADERS_TIMEOUT = 30_000;

export interface HttpServerOptions {
  readonly queries: FleetQueries;
  readonly events: EventStream;
  /** Adds `/v2/`: `(scope, hooks) => scope.register(registryRoutes, { …, ...hooks })`. */
  readonly registry?: (scope: FastifyInstance, hooks: RegistryHooks) => Promise<unknown> | unknown;
  /** Takes what hosts report of their containers. */
  readonly hosts?: HostReports;
  /** What is rolled out, and what people say to it. */
  readonly rollouts?: Rollouts;
  /** Looks after the registry on demand. */
  readonly maintenance?: RegistryMaintenance;
  /** Takes webhooks of forges. */
  readonly webhooks?: WebhookReceiver;
  /** What `/readyz` waits for; by default one look at the fleet. */
  readonly ready?: () => Promise<unknown>;
  readonly log?: Log;
  /** Certificates to serve with. */
  readonly tls?: TlsServing;
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly trustProxy?: readonly string[];
  /** Accounts; without them whatever `bind` does not open is refused. */
  readonly access?: DoorOptions;
  /** Connections held at once; more are closed at once. 10,000 by default. */
  readonly connections?: number;
  readonly operations?: OperationsOptions;
  /** Event streams open at once, 1000 by default. */
  readonly maxStreams?: number;
  /** From `decideBind`. */
  readonly bind: BindDecision;
  /** Built page, `web/dist` by default. */
  readonly web?: string;
}

/** How the registry asks the accounts. */
export interface RegistryHooks {
  readonly authorize?: NonNullable<RegistryServerOptions['authorize']>;
  /** The catalogue whose changes go into the audit log. */
  audited(catalogue: RegistryCatalogue, database: Database): RegistryCatalogue;
}

/** The whole HTTP side: API, event stream, registry, metrics, health, page. Not yet listening. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  return (await operatedServer(options)).server;
}

async function operatedServer(options: HttpServerOptions): Promise<Operations & { readonly server: FastifyInstance }> {
  const { queries, events, bind, log = silentLog } = options;
  // Registry pushes stream past this limit; it holds for what is parsed.
  const { tls, trustProxy } = options;
  const server = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    forceCloseConnections: true,
    return503OnClosing: true,
    frameworkErrors: answerBadUrl,
    ...(trustProxy === undefined ? {} : { trustProxy: [...trustProxy] }),
    ...(tls === undefined ? {} : { serverFactory: tls.serve }),
  });
  server.server.maxConnections = options.connections ?? MAX_CONNECTIONS;
  // A request's head must come in this time; its body may take as long as it moves (registry/server/paced.ts).
  server.server.headersTimeout = HEADERS_TIMEOUT;
  const streams: StreamCount = { open: 0, limit: options.maxStreams ?? MAX_STREAMS };
  const api = describeApi(server, {
    ...schemas,
    ...searchSchemas,
    ...accessSchemas,
    ...hostsSchemas,
    ...baseSchemas,
    ...sourcesSchemas,
    ...rolloutsSchemas,
  });
  answerErrors(server, log);
  const door = createDoor(bind, options.access);
  const accountOf = (request: FastifyRequest): string | undefined => {
    const { account, name } = door.principalOf(request);
    return account === undefined ? undefined : name;
  };
  const operations = operate(server, { ...options.operations, streams: () => streams.open, accountOf });
  const access = options.access?.access;
  rememberRequest(server);
  guardRequests(server, bind, door);
  await server.register(async (scope) => {
    await uiRoutes(scope, options.web ?? WEB);
    metricsRoute(scope, queries, operations.metrics, options.rollouts);
    healthRoutes(scope, options.ready ?? (() => queries.totals()), operations.drain, log);
    fleetRoutes(scope, queries);
    eventRoutes(scope, events, streams);
    accountRoutes(scope, door);
    if (access !== undefined) {
      tokenRoutes(scope, access);
      sessionRoutes(scope, door, access);
      passwordRoutes(scope, door, access);
      if (door.provider !== undefined) oidcRoutes(scope, door, access, door.provider);
    }
    if (options.hosts !== undefined) hostRoutes(scope, options.hosts, (request) => door.principalOf(request).name);
    if (options.rollouts !== undefined) {
      rolloutRoutes(scope, options.rollouts, (request) => {
        const principal = door.principalOf(request);
        const { kind, name } = principal;
        const groups = access?.groupsOf(principal) ?? [];
        const admin = access?.allows(principal, { kind: 'admin' }) === true;
        return { name, owner: kind === 'owner', groups, admin, address: request.ip };
      });
    }
    if (options.maintenance !== undefined) maintenanceRoutes(scope, options.maintenance, log, access !== undefined);
    scope.register(async (inner) => webhookRoutes(inner, options.webhooks));
    scope.get('/api/v1/openapi.json', { schema: { hide: true } as object }, async () => api.document());
  });
  const { registry } = options;
  const hooks: RegistryHooks = {
    ...(access === undefined ? {} : { authorize: registryAuthorize(door) }),
    audited: (catalogue, database) =>
      access === undefined ? catalogue : auditedCatalogue(catalogue, database, door, access),
  };
  if (registry !== undefined) await server.register(async (scope) => void (await registry(scope, hooks)));
  return { server, ...operations };
}

export interface ListenOptions extends BindOptions {
  readonly port: number;
}

/**
 * Decides who may do what, builds the server and listens.
 * @returns the server, the URL it is reached under, and one that the same machine reaches without TLS
 * @throws HTTP_BIND_REFUSED, HTTP_ADDRESS_IN_USE
 */
export async function serveHttp(
  options: Omit<HttpServerOptions, 'bind'>,
  listen: ListenOptions,
): Promise<Operations & { readonly server: FastifyInstance; readonly url: string; readonly localUrl: string }> {
  const bind = decideBind(listen);
  const { server, ...operations } = await operatedServer({ ...options, bind });
  try {
    const bound = await server.listen({ host: listen.host, port: listen.port });
    // Fastify does not know what the server that it was given speaks.
    const url = options.tls === undefined ? bound : bound.replace(/^http:/, 'https:');
    const plain = options.tls === undefined && isLoopback(new URL(url).hostname);
    return { ...operations, server, url, localUrl: plain ? url : await listenLocally(server) };
  } catch (error) {
    await server.close();
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw httpError('HTTP_ADDRESS_IN_USE', `${listen.host}:${listen.port} is in use`, {
      cause: error,
      hint: 'Stop what listens there or choose another --port.',
    });
  }
}
