import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { messageOf } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { LoadedFleet } from '../../engine/index.ts';
import type { EventSink } from '../../events/index.ts';
import { keepClustersWatched } from '../cluster-loop.ts';
import { openCommitStatuses } from '../commit-statuses.ts';
import type { CliContext } from '../context.ts';
import { keepSourcesCrawled } from '../crawl-loop.ts';
import { cliError } from '../errors.ts';
import { loadFleetAndSources } from '../fleet-sources.ts';
import { keepRegistrySmall } from '../keep-registry-small.ts';
import { openLiveFleet } from '../live-fleet.ts';
import { openHomeDatabase } from '../open-database.ts';
import { keepEventsPruned } from '../prune-events.ts';
import { addClusterOptions, addEngineOptions } from '../runtimes.ts';
import { ACCESS_HELP, addAccessOptions, openServeAccess } from '../serve-access.ts';
import { removeServeFile, writeServeFile } from '../serve-file.ts';
import { listenHttp, type ServeHttpOptions } from '../serve-http.ts';
import { DEFAULT_INTERVAL, keepPatched, type ServeLoopOptions } from '../serve-loop.ts';
import { addOperationsOptions, drainSeconds, OPERATIONS_HELP } from '../serve-operations.ts';
import { addSourceOptions } from '../source-options.ts';
import { withStorage } from '../storage-option.ts';

interface ServeOptions extends ServeHttpOptions, ServeLoopOptions {
  readonly storage?: string;
  readonly port: string;
}

const HELP = `
Registry (/v2/), API (/api/v1/, described in /api/v1/openapi.json), event stream (/api/v1/events), /metrics, /healthz,
/readyz and the page (/). With a fleet file the loop runs at once and then every interval.

--sparse: index takes an index of which some platforms are not here, as partial mirrors push it; all also takes images
without all their layers; none takes neither.

--pull-through hub=docker.io makes hub/library/debian a mirror of that repository: fetched when it is asked for, kept, and
served as it was while upstream is away or asks to slow down. Mirrored repositories cannot be pushed to.

sources of the fleet file (registries, engines, clusters, folders) are crawled into the inventory, each at its interval;
/api/v1/sources and /metrics tell how that goes.

clusters of the fleet file, or the one that --kubeconfig, KUBECONFIG or a service account names, are watched: where, outdated
and /api/v1/workloads tell what runs there, as it changes.

Events go to RabbitMQ when the fleet file names it (events.amqp).
An interrupted run is carried on at the next start.
${OPERATIONS_HELP}${ACCESS_HELP}
Examples:
  heraklit serve
  heraklit serve examples/fleet/heraklit.yaml --port 5000 --interval 3600
`;

export function register(command: Command, context: CliContext): void {
  addOperationsOptions(addAccessOptions(addSourceOptions(addClusterOptions(addEngineOptions(command)))))
    .argument('[fleet]', 'fleet file; without one only registry, API and page are served')
    .option(
      '--storage <url>',
      'where blobs lie: s3://BUCKET/PREFIX?endpoint=URL (default: $HERAKLIT_STORAGE, the home)',
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', '8080')
    .option('--anonymous <access>', 'read or write: what anybody may do who reaches the address')
    .option('--interval <seconds>', `between two runs (default: the fleet's policy, else ${DEFAULT_INTERVAL})`)
    .option('--no-rollout', 'release images, and roll out nothing')
    .option('--take-over <fleet>', 'earlier name of this fleet, whose images are its own')
    .option(
      '--limit <name=number>',
      'a limit of the registry, above registry.limits of the fleet file; may be given again',
      (value: string, before: readonly string[]) => [...before, value],
      [] as readonly string[],
    )
    .option('--no-delete', 'the registry deletes no tags, manifests and blobs (405 UNSUPPORTED)')
    .addOption(
      command
        .createOption('--sparse <kind>', 'what a pushed manifest may name without its being in the registry')
        .choices(['none', 'index', 'all'])
        .default('index'),
    )
    .addOption(
      command
        .createOption('--pull-through <prefix=upstream>', 'repositories below prefix mirror a registry; repeatable')
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([] as readonly string[], 'none'),
    )
    .addHelpText('after', HELP)
    .action((file: string | undefined, options: ServeOptions) => serve(file, options, context));
}

async function serve(file: string | undefined, options: ServeOptions, given: CliContext): Promise<void> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw cliError('CLI_USAGE', `--port takes a number from 0 to 65535, not ${JSON.stringify(options.port)}`);
  }
  if (options.anonymous !== undefined && !['read', 'write'].includes(options.anonymous)) {
    throw cliError('CLI_USAGE', `--anonymous takes read or write, not ${JSON.stringify(options.anonymous)}`);
  }
  drainSeconds(options);
  const engine = await import('../../engine/index.ts');
  const fleet = file === undefined ? undefined : await loadFleetAndSources(file, given);
  await using resources = new AsyncDisposableStack();
  const context = withStorage(given, options.storage ?? fleet?.document.registry?.storage);
  const database = resources.adopt(await openHomeDatabase(context, { thread: true }), (one) => one.close());
  const { home, log, progress } = context;
  // A home's own database serves one process, so nobody else takes uploads into its store.
  const blobs = { thread: true, ownUploads: database.kind === 'embedded' };
  const workshop = engine.openWorkshop({ home, log, progress, signal: context.signal, blobs });
  const guarded = await openServeAccess(database, fleet, options, context, resources);
  const live = fleet === undefined ? undefined : await openLiveFleet(fleet, { context }, resources);
  const stage = { fleet, live, database, context };
  const loops: Promise<void>[] = [];
  // Below the server in the stack: while that drains they end, and the database is there until they have.
  resources.defer(() => endOf(loops, context));
  const { url, localUrl, metrics } = await listenHttp({ ...stage, resources, port, options, guarded, workshop });
  await writeServeFile(home, { url: localUrl, key: guarded.ownerKey });
  resources.defer(() => removeServeFile(home));
  const statuses = await openCommitStatuses(fleet, database, url, context);
  await relayEvents(fleet, database, context, resources, statuses === undefined ? [] : [statuses.sink]);
  // After the relay has claimed its place in the outbox: what it has not delivered stays.
  resources.adopt(keepEventsPruned(database, fleet?.document, context), (pruning) => pruning.stop());
  context.print(`heraklit serves ${url}`);
  const stopped = Promise.withResolvers<void>();
  context.signal.addEventListener('abort', () => stopped.resolve(), { once: true });
  if (context.signal.aborted) stopped.resolve();
  loops.push(
    keepClustersWatched(fleet, options, database, context).catch((error: unknown) => log.error(messageOf(error))),
  );
  if (fleet === undefined || live === undefined) return await stopped.promise;
  loops.push(
    keepRegistrySmall(fleet, database, context, metrics).catch((error: unknown) => log.error(messageOf(error))),
  );
  loops.push(
    keepSourcesCrawled(fleet, database, workshop, context).catch((error: unknown) => log.error(messageOf(error))),
  );
  const own = { host: new URL(url).host, username: 'owner', password: guarded.ownerKey };
  const engineOptions = { ...options, registry: own };
  if (statuses !== undefined) loops.push(statuses.run());
  const patched = keepPatched({ ...stage, fleet, live, url, options: engineOptions });
  loops.push(patched);
  await Promise.race([stopped.promise, patched]);
}

/** Milliseconds that what runs beside the server has to end once it is told to; what is left is taken up at the next start. */
const ENDING = 20_000;

async function endOf(loops: readonly Promise<void>[], { log }: CliContext): Promise<void> {
  const ended = new AbortController();
  const late = sleep(ENDING, 'late', { signal: ended.signal }).catch(() => undefined);
  const first = await Promise.race([Promise.allSettled(loops), late]);
  ended.abort();
  if (first === 'late') log.warn('what was being done did not end in time; the next start takes it up');
}

/** RabbitMQ when the fleet names it; the HTTP stream reads the outbox itself. */
async function relayEvents(
  fleet: LoadedFleet | undefined,
  database: Database,
  context: CliContext,
  resources: AsyncDisposableStack,
  further: readonly EventSink[],
): Promise<void> {
  const { amqpSink, createRelay } = await import('../../events/index.ts');
  const sinks: EventSink[] = [...further];
  const events = fleet?.document.events;
  if (events?.amqp !== undefined) {
    sinks.push(
      amqpSink({
        url: events.amqp,
        namespace: events.namespace ?? 'heraklit',
        ...(events.exchange === undefined ? {} : { exchange: events.exchange }),
      }),
    );
  }
  if (sinks.length > 0)
    resources.adopt(await createRelay({ database, sinks, log: context.log }), (relay) => relay.stop());
}
