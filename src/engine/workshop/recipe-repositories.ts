import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { packageArchitecture } from '../../build/index.ts';
import { familyOfDistribution, type Keyring, type RepositorySnapshot, readKeyringFile } from '../../distro/index.ts';
import {
  createFailover,
  createPackageCache,
  distributionOfRepository,
  extraRepositoryName,
  type NamedRepository,
  openExtraRepository,
  openRepositories,
  type PackageCache,
  snapshotUrl,
} from '../../feed/index.ts';
import type { Loaded, Recipe, RecipeRepository } from '../../recipe/index.ts';
import { workshopError } from './errors.ts';
import type { Workshop } from './workshop.ts';

/** Made once for each workshop, so that the solver's index of them is made once, too. */
const opened = new WeakMap<Workshop, Map<string, Promise<unknown>>>();

function once<T>(workshop: Workshop, name: string, make: () => Promise<T>): Promise<T> {
  const values = opened.get(workshop) ?? new Map<string, Promise<unknown>>();
  opened.set(workshop, values);
  const known = (values.get(name) as Promise<T> | undefined) ?? make();
  values.set(name, known);
  known.catch(() => values.delete(name));
  return known;
}

const DAY_LENGTH = '2026-01-31'.length;

/** Seconds since the epoch; of a day its last. */
function timeOf(asOf: string | undefined): number | undefined {
  if (asOf === undefined) return undefined;
  return Date.parse(asOf.length === DAY_LENGTH ? `${asOf}T23:59:59Z` : asOf) / 1000;
}

export interface RecipeSources {
  readonly architecture: string;
  readonly pockets?: readonly string[];
}

/**
 * The distribution's repositories and those that the recipe adds, as of now or of the date it names.
 * @throws FEED_*, RELEASE_*, REPOSITORY_KEY_UNREADABLE, DISTRO_KEYRING_INVALID
 */
export async function recipeRepositories(
  { document, directory }: Loaded<Recipe>,
  distribution: string,
  { architecture, pockets }: RecipeSources,
  workshop: Workshop,
): Promise<readonly RepositorySnapshot[]> {
  const { repositories = [], asOf } = document;
  const family = familyOfDistribution(distribution);
  if (family !== 'deb') {
    return familyRepositories(
      { document, directory },
      distribution,
      { architecture, ...(pockets ? { pockets } : {}) },
      workshop,
    );
  }
  const { snapshots } = await workshop.shelf(distribution, architecture, pockets, timeOf(asOf));
  if (repositories.length === 0) return snapshots;
  const key = JSON.stringify(['repositories', directory, distribution, architecture, pockets, asOf, repositories]);
  return once(workshop, key, async () => {
    const extras = await Promise.all(
      repositories.map((repository) => openExtra(repository, directory, distribution, architecture, asOf, workshop)),
    );
    return [...snapshots, ...extras.flat()];
  });
}

async function openExtra(
  repository: RecipeRepository,
  directory: string,
  distribution: string,
  architecture: string,
  asOf: string | undefined,
  workshop: Workshop,
): Promise<readonly RepositorySnapshot[]> {
  const { name, url, suite, components, trusted = false } = repository;
  const { home, offline, maxAge, signal, log } = workshop.options;
  const keyring = await keyringOf(repository, directory);
  const time = timeOf(asOf);
  return openExtraRepository(
    { name, urls: [url.replace(/\/+$/, '')], suite: suite ?? './' },
    {
      ...{ distribution, architecture, trusted, cache: home.cache },
      mirrors: { main: [url], security: [url], origin: name },
      failover: createFailover(name, log),
      ...(components === undefined ? {} : { components }),
      ...(keyring === undefined ? {} : { keyring }),
      ...(time === undefined ? {} : { asOf: time }),
      ...(offline === undefined ? {} : { offline }),
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
}

/** Architectures of other families have words of their own. */
async function familyRepositories(
  { document, directory }: Pick<Loaded<Recipe>, 'document' | 'directory'>,
  distribution: string,
  { architecture, pockets }: RecipeSources,
  workshop: Workshop,
): Promise<readonly RepositorySnapshot[]> {
  const { repositories = [] } = document;
  const own = packageArchitecture(distribution, architecture);
  const shelf = await workshop.shelf(distribution, own, pockets);
  const snapshots = familyOfDistribution(distribution) === 'rpm' ? await shelf.forSolving() : shelf.snapshots;
  if (repositories.length === 0) return snapshots;
  const key = JSON.stringify(['repositories', directory, distribution, own, repositories]);
  return once(workshop, key, async () => {
    const { home, offline, maxAge, signal } = workshop.options;
    const named = await Promise.all(repositories.map((one) => namedOf(one, directory)));
    const extras = await openRepositories({
      ...{ distribution, architecture: own, cache: home.cache, repositories: named, solving: true },
      mirrors: { main: [], security: [], origin: 'the recipe' },
      ...(offline === undefined ? {} : { offline }),
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(signal === undefined ? {} : { signal }),
    });
    const roots = rootsOf(workshop);
    for (const { id, packageRoots } of extras) if (packageRoots !== undefined) roots.set(id, packageRoots);
    return [...snapshots, ...extras];
  });
}

const extraRoots = new WeakMap<Workshop, Map<string, readonly string[]>>();

/** Where packages of the recipes' own repositories lie, by the repository's id. */
function rootsOf(workshop: Workshop): Map<string, readonly string[]> {
  const roots = extraRoots.get(workshop) ?? new Map<string, readonly string[]>();
  extraRoots.set(workshop, roots);
  return roots;
}

/** A `+` before its name tells a recipe's repository from the distribution's. */
async function namedOf(repository: RecipeRepository, directory: string): Promise<NamedRepository> {
  const { name, url, trusted = false, keyring } = repository;
  const named = { name: `+${name}`, urls: [url.replace(/\/+$/, '')], trusted };
  if (keyring === undefined) return named;
  const bytes = await readKeyFile(keyring, directory);
  if (bytes.includes('-----BEGIN PUBLIC KEY-----')) {
    return { ...named, keyFiles: [{ name: basename(keyring), content: bytes.toString('utf8') }] };
  }
  return { ...named, keyring: await readKeyringFile(`of repository ${name}`, bytes) };
}

async function readKeyFile(keyring: string, directory: string): Promise<Buffer> {
  const path = join(directory, keyring);
  return readFile(path).catch((error: unknown) => {
    throw workshopError('REPOSITORY_KEY_UNREADABLE', `the key file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Paths in `keyring` are relative to the recipe; each names a file of OpenPGP public keys, or for apk of one in PEM.',
    });
  });
}

async function keyringOf({ name, keyring }: RecipeRepository, directory: string): Promise<Keyring | undefined> {
  if (keyring === undefined) return undefined;
  const bytes = await readKeyFile(keyring, directory);
  return readKeyringFile(`of repository ${name}`, bytes);
}

/**
 * Where the packages of a repository come from: one that the recipe adds, the distribution's mirrors, and for a past
 * state its snapshot mirror after them: what is old has often left the others.
 */
export async function recipePackages(
  { document }: Loaded<Recipe>,
  repository: string,
  workshop: Workshop,
): Promise<PackageCache> {
  const name = extraRepositoryName(repository);
  const { home, offline } = workshop.options;
  const common = { directory: home.cache, ...(offline === undefined ? {} : { offline }) };
  if (name !== undefined) {
    const url = document.repositories?.find((candidate) => candidate.name === name)?.url.replace(/\/+$/, '');
    const urls = url === undefined ? [] : [url];
    return once(workshop, `packages ${name} ${url}`, async () =>
      createPackageCache({
        ...common,
        mirrors: { main: urls, security: urls, origin: `the recipe's repository ${name}` },
        // rpm: metadata may say that packages lie elsewhere.
        roots: (id) => rootsOf(workshop).get(id) ?? urls,
      }),
    );
  }
  const distribution = distributionOfRepository(repository);
  const [time, mirror] = [timeOf(document.asOf), workshop.snapshotMirror(distribution)];
  if (time === undefined || mirror === undefined) return workshop.packagesOf(repository);
  return once(workshop, `packages ${distribution} ${time}`, async () => {
    const { main, security, origin } = await workshop.mirrors(distribution);
    const past = (archive: 'main' | 'security'): string => snapshotUrl(mirror, { distribution, archive }, time);
    const mirrors = { main: [...main, past('main')], security: [...security, past('security')], origin };
    return createPackageCache({ ...common, mirrors });
  });
}
