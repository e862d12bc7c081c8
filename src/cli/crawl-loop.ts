import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { ScheduledSource } from '../crawl/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet, Workshop } from '../engine/index.ts';
import type { FleetCrawlSource } from '../recipe/index.ts';
import type { EngineRuntimeOptions } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { type CrawlSourceOptions, openSource } from './crawl-source.ts';
import { engineAddress, type FleetOfHosts, fleetHosts } from './engine-hosts.ts';

/** Seconds. */
const DEFAULT_INTERVAL = 3_600;
/** Images of one source that are read side by side: `serve` has other things to do. */
const DEFAULT_CONCURRENCY = 2;

/** Crawls the sources that the fleet file names until the process is told to end. */
export async function keepSourcesCrawled(
  fleet: Pick<LoadedFleet, 'document' | 'directory'>,
  database: Database,
  workshop: Pick<Workshop, 'layerCache'>,
  context: CliContext,
): Promise<void> {
  const { keepCrawling } = await import('../crawl/index.ts');
  // A fleet file that names none any more ends those of the one before.
  await keepCrawling(scheduledSources(fleet, context), {
    database,
    layerCache: workshop.layerCache,
    log: context.log,
    signal: context.signal,
    owner: `${hostname()} ${process.pid} ${randomUUID()}`,
  });
}

function scheduledSources(
  { document, directory }: Pick<LoadedFleet, 'document' | 'directory'>,
  context: CliContext,
): readonly ScheduledSource[] {
  const taken = new Map<string, number>();
  return (document.sources ?? []).map((source) => {
    const target = targetOf(source, directory);
    // The same place twice, with other filters, has two turns.
    const times = (taken.get(target) ?? 0) + 1;
    taken.set(target, times);
    return {
      name: times === 1 ? nameOf(source, target) : `${nameOf(source, target)} (${times})`,
      interval: source.interval ?? DEFAULT_INTERVAL,
      concurrency: source.concurrency ?? DEFAULT_CONCURRENCY,
      open: async () => {
        const { parsePlatform } = await import('../oci/index.ts');
        const platform = source.platform === undefined ? undefined : parsePlatform(source.platform);
        return openSource(
          target,
          optionsOf(source, directory),
          platform,
          context,
          hostOf(source, { document, directory }),
        );
      },
    };
  });
}

/** As `heraklit crawl` names sources. */
function targetOf(source: FleetCrawlSource, directory: string): string {
  if (source.registry !== undefined) return `registry:${source.registry}`;
  if (source.folder !== undefined) return `folder:${resolve(directory, source.folder)}`;
  return source.engine === undefined ? 'kubernetes' : 'engine';
}

function nameOf(source: FleetCrawlSource, target: string): string {
  if (source.kubernetes !== undefined) return `kubernetes:${source.kubernetes}`;
  return source.engine === undefined || source.engine === 'auto' ? target : `engine:${source.engine}`;
}

/** Where an engine is that is neither the machine's own nor one of its sockets: a host of the fleet, or an address. */
function hostOf(source: FleetCrawlSource, fleet: FleetOfHosts): EngineRuntimeOptions | undefined {
  const named = source.engine;
  if (named === undefined || named === 'auto' || named.startsWith('/')) return undefined;
  return fleetHosts(fleet).find(({ host }) => host === named) ?? { host: named, ...engineAddress(named) };
}

function optionsOf(source: FleetCrawlSource, directory: string): CrawlSourceOptions {
  return {
    ...(source.repositories === undefined ? {} : { repository: source.repositories }),
    ...(source.tags === undefined ? {} : { tag: source.tags }),
    ...(source.insecure === undefined ? {} : { insecure: source.insecure }),
    ...(source.engine?.startsWith('/') === true ? { socket: source.engine } : {}),
    ...(source.kubernetes === undefined || source.kubernetes === 'current' ? {} : { context: source.kubernetes }),
    ...(source.kubeconfig === undefined ? {} : { kubeconfig: resolve(directory, source.kubeconfig) }),
    ...(source.namespaces === undefined ? {} : { namespace: source.namespaces }),
  };
}
