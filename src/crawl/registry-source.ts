import { globMatches } from '../inventory/index.ts';
import type { Platform } from '../oci/index.ts';
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '../registry/index.ts';
import { openFromRegistry } from '../transport/index.ts';
import { failureOf } from './failure.ts';
import type { CrawlFailure, CrawlSource, FoundImage } from './types.ts';

export interface RegistrySourceOptions {
  /** `host[:port]` */
  readonly registry: string;
  /** Repositories to look at, where the registry lists none (Docker Hub) or not all are wanted; globs. */
  readonly repositories?: readonly string[];
  /** Tags to look at, globs; all where undefined. */
  readonly tags?: readonly string[];
  readonly platform?: Platform;
  readonly client?: RegistryClientOptions;
}

/**
 * Tags under which tools keep signatures and attestations beside images (the referrers' fallback included), and steps of
 * builds that `--cache-to` keeps.
 */
const NOT_IMAGES = /^(?:sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?|buildcache-[0-9a-f]{24}-.*)$/;
/** HEAD requests on their way at the same time, so that the digest of the next tag is there when a worker wants it. */
const AHEAD = 8;

const isPlain = (glob: string): boolean => !/[*?]/.test(glob);

/** The catalogue of a registry: repositories by name or glob, their tags, each with its digest. */
export function registrySource(options: RegistrySourceOptions): CrawlSource {
  const { registry } = options;
  const client = createRegistryClient(registry, options.client);
  return {
    name: `registry:${registry}`,
    covers: (reference) => covers(reference, options),
    find: (signal) => find(client, options, signal),
    close: async () => client.close(),
  };
}

function covers(reference: string, { registry, repositories, tags }: RegistrySourceOptions): boolean {
  const [, repository = '', tag = ''] = /^(.*):([^:]*)$/.exec(reference.slice(registry.length + 1)) ?? [];
  const matches = (globs: readonly string[] | undefined, text: string): boolean =>
    globs?.some((glob) => globMatches(glob, text)) ?? true;
  return matches(repositories, repository) && matches(tags, tag);
}

async function* find(
  client: RegistryClient,
  options: RegistrySourceOptions,
  signal: AbortSignal,
): AsyncGenerator<FoundImage | CrawlFailure> {
  const wanted = (tag: string): boolean =>
    !NOT_IMAGES.test(tag) && (options.tags?.some((glob) => globMatches(glob, tag)) ?? true);
  for (const repository of await repositories(client, options.repositories)) {
    signal.throwIfAborted();
    let tags: readonly string[];
    try {
      tags = (await client.tags(repository)).filter(wanted);
    } catch (error) {
      yield failureOf(`${client.registry}/${repository}`, error);
      continue;
    }
    yield* inOrder(tags, AHEAD, (tag) => one(client, repository, tag, options.platform));
  }
}

/** Plain names need no catalogue, which many registries refuse. */
async function repositories(client: RegistryClient, globs: readonly string[] | undefined): Promise<readonly string[]> {
  if (globs?.every(isPlain)) return globs;
  const all = await client.repositories();
  const plain = globs?.filter(isPlain) ?? [];
  const matching = all.filter((name) => globs?.some((glob) => globMatches(glob, name)) ?? true);
  return [...new Set([...plain, ...matching])];
}

async function one(
  client: RegistryClient,
  repository: string,
  tag: string,
  platform: Platform | undefined,
): Promise<FoundImage | CrawlFailure> {
  const reference = `${client.registry}/${repository}:${tag}`;
  try {
    const descriptor = await client.head(repository, tag);
    // Deleted between the list and now.
    if (descriptor === undefined)
      return { kind: 'skipped', reference, code: 'REGISTRY_MANIFEST_UNKNOWN', message: 'gone' };
    return {
      kind: 'image',
      reference,
      digest: descriptor.digest,
      open: async () => ({
        image: await openFromRegistry(client, { repository, digest: descriptor.digest, tag }, platform),
        close: async () => {},
      }),
    };
  } catch (error) {
    return failureOf(reference, error);
  }
}

/** What `work` makes of each item, in their order, some of them ahead of who takes them. */
async function* inOrder<Item, Made>(
  items: readonly Item[],
  ahead: number,
  work: (item: Item) => Promise<Made>,
): AsyncGenerator<Made> {
  const started: Promise<Made>[] = [];
  let next = 0;
  for (let at = 0; at < items.length; at += 1) {
    for (; next < Math.min(items.length, at + ahead); next += 1) started.push(work(items[next] as Item));
    yield await (started.shift() as Promise<Made>);
  }
}
