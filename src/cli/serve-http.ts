import type { Database } from '../database/index.ts';
import type { LoadedFleet, Workshop } from '../engine/index.ts';
import type { FleetMirror } from '../recipe/index.ts';
import type { MirrorRule, SparseManifests } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { openWebhooks } from './fleet-sources.ts';
import { gradingOf } from './grading.ts';
import type { LiveFleet } from './live-fleet.ts';
import { serveLimits } from './registry-limits.ts';
import { openMaintenance } from './registry-maintenance.ts';
import type { ServeAccess, ServeAccessOptions } from './serve-access.ts';
import {
  type CollectionObserver,
  drainSeconds,
  drainServer,
  openOperations,
  type ServeOperationsOptions,
} from './serve-operations.ts';

/** Options of `heraklit serve` about what is served, and to whom. */
export interface ServeHttpOptions extends ServeAccessOptions, ServeOperationsOptions {
  readonly host: string;
  readonly anonymous?: 'read' | 'write';
  readonly delete: boolean;
  readonly sparse: SparseManifests;
  readonly pullThrough: readonly string[];
  readonly limit: readonly string[];
}

export interface ServeHttpStage {
  readonly port: number;
  readonly options: ServeHttpOptions;
  readonly guarded: ServeAccess;
  readonly fleet: LoadedFleet | undefined;
  /** The same, as its file is now. */
  readonly live: LiveFleet | undefined;
  readonly database: Database;
  readonly workshop: Workshop;
  readonly context: CliContext;
  readonly resources: AsyncDisposableStack;
}

/** Registry, API and page over the home's database and store; `resources` ends them, after a drain. */
export async function listenHttp(stage: ServeHttpStage): Promise<{
  readonly url: string;
  /** The same machine reaches it without TLS. */
  readonly localUrl: string;
  readonly metrics: CollectionObserver;
}> {
  const { port, options, fleet, database, workshop, context, resources } = stage;
  const { access, door, tls } = stage.guarded;
  const [
    http,
    { announcedCatalogue, createMirror, createSqlCatalogue, parseMirrorRule, registryRoutes },
    { inspectImage },
    { openStored },
  ] = await Promise.all([
    import('../http/index.ts'),
    import('../registry/index.ts'),
    import('../inventory/index.ts'),
    import('../engine/index.ts'),
  ]);
  const store = await workshop.store();
  const catalogue = createSqlCatalogue(database);
  const rules = [
    ...(fleet?.document.registry?.mirrors ?? []).map(mirrorRule),
    ...options.pullThrough.map(parseMirrorRule),
  ];
  const mirror = createMirror({
    rules,
    store,
    catalogue,
    log: context.log,
  });
  resources.defer(() => mirror.close());
  const { limits, quota, connections } = await serveLimits(fleet, options.limit, database, context);
  const registry = {
    ...{ deletes: options.delete, sparse: options.sparse, mirror, limits },
    ...(quota === undefined ? {} : { quota }),
  };
  let served: string | undefined;
  const { server, url, localUrl, ...operations } = await http.serveHttp(
    {
      queries: http.databaseQueries({
        database,
        grading: gradingOf(fleet?.document),
        inspect: async (digest) => inspectImage(await openStored(store, digest), { layerCache: workshop.layerCache }),
      }),
      hosts: http.databaseHostReports(database),
      rollouts: http.databaseRollouts({
        ...{ database, catalogue, registryHost: () => served },
        get fleet() {
          const now = stage.live?.current();
          return now === undefined ? undefined : { name: now.fleet.name, document: now.document };
        },
      }),
      events: http.databaseEventStream(database),
      registry: (scope, { audited, ...hooks }) =>
        scope.register(registryRoutes, {
          store,
          catalogue: audited(announcedCatalogue(catalogue, database), database),
          log: context.log,
          ...registry,
          ...hooks,
        }),
      access: door,
      ...(fleet === undefined ? {} : { webhooks: await openWebhooks(fleet, database) }),
      operations: await openOperations(options, database, resources),
      ...(tls === undefined ? {} : { tls }),
      ...(options.trustProxy === undefined ? {} : { trustProxy: options.trustProxy }),
      ...(connections === undefined ? {} : { connections }),
      log: context.log,
      maintenance: await openMaintenance(context, database, (name) =>
        rules.some(({ prefix }) => name.startsWith(`${prefix}/`)),
      ),
    },
    {
      host: options.host,
      port,
      accounts: access.hasAccounts() || door.provider !== undefined,
      ...(options.anonymous === undefined ? {} : { anonymous: options.anonymous }),
    },
  );
  served = new URL(url).host;
  resources.defer(async () => {
    await drainServer(operations, drainSeconds(options), context);
    await server.close();
  });
  return { url, localUrl, metrics: operations.metrics };
}

/** Times in a fleet file are seconds. */
const mirrorRule = ({ maxAge, ...rule }: FleetMirror): MirrorRule =>
  maxAge === undefined ? rule : { ...rule, maxAge: maxAge * 1_000 };
