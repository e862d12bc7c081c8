import { mkdir } from 'node:fs/promises';
import type { CrawlSource, RunningThings } from '../crawl/index.ts';
import type { Platform } from '../oci/index.ts';
import type { EngineRuntimeOptions } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { engineAddress } from './engine-hosts.ts';
import { openEngine, type RuntimeOptions } from './runtimes.ts';

/** What of a source is looked at, and how it is reached. */
export interface CrawlSourceOptions extends RuntimeOptions {
  readonly repository?: readonly string[];
  readonly tag?: readonly string[];
  readonly insecure?: boolean;
}

/**
 * `registry:HOST`, `engine`, `engine:ADDRESS`, `kubernetes`, `folder:DIR`.
 * @throws CRAWL_SOURCE_INVALID
 */
export async function openSource(
  name: string,
  options: CrawlSourceOptions,
  platform: Platform | undefined,
  context: Pick<CliContext, 'home' | 'signal'>,
  host?: EngineRuntimeOptions,
): Promise<CrawlSource> {
  const crawling = await import('../crawl/index.ts');
  const [, kind, rest = ''] = /^(registry|engine|kubernetes|folder)(?::(.*))?$/s.exec(name) ?? [];
  const registry = { signal: context.signal, ...(options.insecure === true ? { insecure: true } : {}) };
  const ofPlatform = platform === undefined ? {} : { platform };
  if (kind === 'registry' && /^[^/\s]+$/.test(rest)) {
    return crawling.registrySource({
      registry: rest,
      client: registry,
      ...ofPlatform,
      ...(options.repository === undefined ? {} : { repositories: options.repository }),
      ...(options.tag === undefined ? {} : { tags: options.tag }),
    });
  }
  if (kind === 'folder' && rest !== '') return crawling.folderSource(rest, platform);
  if (kind === 'engine') {
    await mkdir(context.home.scratch, { recursive: true });
    const elsewhere = rest === '' ? host : { host: rest, ...engineAddress(rest) };
    return crawling.engineSource(await openCrawledEngine(options, elsewhere), context.home.scratch);
  }
  if (kind === 'kubernetes' && rest === '') {
    const cluster = await openCluster(options);
    return crawling.workloadSource(cluster, {
      name: `kubernetes:${options.context ?? 'current'}`,
      whole: options.namespace === undefined,
      registry,
      ...ofPlatform,
    });
  }
  throw crawling.crawlError('CRAWL_SOURCE_INVALID', `${JSON.stringify(name)} is no source of images`, {
    hint: 'Forms: registry:HOST, engine, engine:ADDRESS, kubernetes, folder:DIR.',
  });
}

async function openCrawledEngine(options: CrawlSourceOptions, elsewhere: EngineRuntimeOptions | undefined) {
  if (elsewhere === undefined) return await openEngine(options);
  const { createEngineRuntime } = await import('../runtime/index.ts');
  return createEngineRuntime(elsewhere);
}

/** Everything that pods run: also of Jobs, of pods that nothing holds, and in init containers and side-cars. */
async function openCluster(options: CrawlSourceOptions): Promise<RunningThings> {
  const { openClusterInventory } = await import('../runtime/index.ts');
  const inventory = await openClusterInventory({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(options.namespace === undefined ? {} : { namespaces: options.namespace }),
  });
  return { list: async () => await inventory.observe(), close: async () => inventory.close() };
}
