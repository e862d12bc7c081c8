import type { ExportedBundle, ImportedBundle } from '../feed/bundle/index.ts';
import type { CliContext } from './context.ts';
import { debianArchitecture } from './debian-architecture.ts';
import { cliError } from './errors.ts';
import { noteFeeds } from './imported-advisories.ts';
import { openHomeDatabase } from './open-database.ts';
import { type SourceOptions, workshopFrom } from './source-options.ts';

export interface ExportOptions extends SourceOptions {
  /** File of the private key. */
  readonly key: string;
  readonly distribution?: readonly string[];
  readonly arch?: string;
  /** Images, recipes, fleet files. */
  readonly packages?: readonly string[];
  readonly advisories: boolean;
}

/** Fetches what is asked for, then writes the bundle from the cache. */
export async function exportToBundle(
  path: string,
  options: ExportOptions,
  context: CliContext,
): Promise<ExportedBundle> {
  const { exportBundle } = await import('../feed/bundle/index.ts');
  const wanted = await fetchWanted(options, context);
  const isAsked = wanted.distributions.size > 0;
  const database = options.advisories ? await openHomeDatabase(context) : undefined;
  try {
    return await exportBundle(path, {
      ...{ cache: context.home.cache, key: options.key, database, signal: context.signal, packages: wanted.packages },
      ...(isAsked ? { isWanted: await cachedNamesOf(wanted.distributions) } : {}),
    });
  } finally {
    await database?.close();
  }
}

interface Wanted {
  readonly distributions: ReadonlySet<string>;
  /** sha256 */
  readonly packages: readonly string[];
}

async function fetchWanted(options: ExportOptions, context: CliContext): Promise<Wanted> {
  const { distribution: named = [], packages: sources = [] } = options;
  if (named.length + sources.length === 0) return { distributions: new Set(), packages: [] };
  const workshop = await workshopFrom(options, context);
  const distributions = new Set(named);
  for (const name of named) await workshop.shelf(name, options.arch ?? debianArchitecture());
  const hashes: string[] = [];
  for (const source of await expandFleets(sources)) {
    const { distribution, packages, packagesOf } = await neededBy(source, workshop, context);
    if (distribution === undefined) continue;
    distributions.add(distribution);
    for (const [repository, files] of Map.groupBy(packages, (item) => item.repository)) {
      const cache = await packagesOf(repository);
      await cache.fetchAll(files, context.progress, context.signal);
      hashes.push(...files.map(({ sha256 }) => sha256));
    }
  }
  return { distributions, packages: hashes };
}

type Workshop = Awaited<ReturnType<typeof workshopFrom>>;

async function neededBy(source: string, workshop: Workshop, context: CliContext) {
  const { neededByImage, neededByRecipe } = await import('../engine/workshop/index.ts');
  if (isDocument(source)) {
    const needed = await neededByRecipe(source, workshop);
    // Its indexes too: what the lock was made from, or newer.
    if (needed.distribution !== undefined) await workshop.shelf(needed.distribution, debianArchitecture());
    return needed;
  }
  const [{ parseReference }, { openImage }] = await Promise.all([
    import('../oci/index.ts'),
    import('../transport/index.ts'),
  ]);
  const image = await openImage(parseReference(source), { signal: context.signal });
  try {
    return await neededByImage(image, workshop);
  } finally {
    await image.close();
  }
}

const isDocument = (source: string): boolean => /\.ya?ml$/i.test(source);

/** A fleet file stands for its recipes and upstream images. */
async function expandFleets(sources: readonly string[]): Promise<readonly string[]> {
  const { readFile } = await import('node:fs/promises');
  const expanded: string[] = [];
  for (const source of sources) {
    const text = isDocument(source) ? await readFile(source, 'utf8').catch(() => '') : '';
    if (!/^kind:\s*Fleet\s*$/m.test(text)) expanded.push(source);
    else {
      const [{ loadFleet }, { resolve }] = await Promise.all([import('../recipe/index.ts'), import('node:path')]);
      const { document, directory } = await loadFleet(source);
      for (const { recipe, upstream } of document.images) {
        if (recipe !== undefined) expanded.push(resolve(directory, recipe));
        else if (upstream !== undefined) expanded.push(upstream);
      }
    }
  }
  return [...new Set(expanded)];
}

/** Names that the repositories of these distributions have in the cache: apt's by suite, others by distribution. */
async function cachedNamesOf(distributions: ReadonlySet<string>): Promise<(name: string) => boolean> {
  const { defaultPockets, findPocket } = await import('../feed/index.ts');
  const { distributionData } = await import('../distro/index.ts');
  const apt = [...distributions].filter(
    (distribution) => (distributionData(distribution.split('/')[0] ?? '')?.family ?? 'deb') === 'deb',
  );
  const names = new Set(
    apt.flatMap((distribution) =>
      defaultPockets(distribution).map(
        (pocket) => `${distribution.split('/')[0]}_${findPocket(distribution, pocket).suite}`,
      ),
    ),
  );
  // apk and pacman have a file a repository: `alpine_3.22_main_x86_64`.
  const beginnings = [...distributions].map((distribution) => `${distribution.replaceAll('/', '_')}_`);
  return (name) => names.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}

/** Is it a bundle of ours rather than a document of advisories? */
export async function isBundleFile(location: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises');
  const isFile = await stat(location).then(
    (facts) => facts.isFile(),
    () => false,
  );
  if (!isFile) return false;
  const { isBundle } = await import('../feed/bundle/index.ts');
  return isBundle(location);
}

export async function importFromBundle(
  path: string,
  key: string | undefined,
  context: CliContext,
): Promise<ImportedBundle> {
  if (key === undefined) {
    throw cliError('CLI_USAGE', `${path} is a bundle, and no key was given to verify it with`, {
      hint: 'Give the public key of who exported it: --key bundle.pub',
    });
  }
  const { importBundle } = await import('../feed/bundle/index.ts');
  let opened: ReturnType<typeof openHomeDatabase> | undefined;
  const openDatabase = (): ReturnType<typeof openHomeDatabase> => {
    opened ??= openHomeDatabase(context);
    return opened;
  };
  try {
    return await importBundle(path, { cache: context.home.cache, key, openDatabase, signal: context.signal });
  } finally {
    const database = await opened?.catch(() => undefined);
    if (database !== undefined) {
      await noteFeeds(database, context.home);
      await database.close();
    }
  }
}
