import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { type Keyring, type RepositorySnapshot, readKeyringFile } from '../../distro/index.ts';
import {
  createFailover,
  createPackageCache,
  distributionOfRepository,
  extraRepositoryName,
  openExtraRepository,
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
    { name, urls: [url.replace(/\/+$/, '')], suite },
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

async function keyringOf({ name, keyring }: RecipeRepository, directory: string): Promise<Keyring | undefined> {
  if (keyring === undefined) return undefined;
  const path = join(directory, keyring);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw workshopError('REPOSITORY_KEY_UNREADABLE', `the key file ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Paths in `keyring` are relative to the recipe; each names a file of OpenPGP public keys, armoured or not.',
    });
  });
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
