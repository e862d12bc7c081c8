import { silentProgress, systemClock } from '../base/index.ts';
import {
  type DistributionName,
  distributionData,
  type RepositorySnapshot,
  readApkKeyring,
  readKeyring,
  shippedApkKeyring,
} from '../distro/index.ts';
import { feedError } from './errors.ts';
import { createFailover } from './failover.ts';
import type { StateContext } from './flat/fetch-state.ts';
import { placeNamed, placeRepositories } from './flat/layout.ts';
import { type FlatKeyring, firstWins, openFlatRepositories } from './flat/open.ts';
import type { NamedRepository } from './named-repository.ts';
import type { OpenRepositoriesOptions } from './open-options.ts';
import { findPocket, formatOf } from './pockets.ts';
import { openAptRepositories } from './repositories.ts';

/** Keys in files, as OpenPGP has them. @throws DISTRO_KEYRING_INVALID */
async function withKeyring(options: OpenRepositoriesOptions): Promise<OpenRepositoriesOptions> {
  const { keyFiles } = options;
  if (keyFiles === undefined || keyFiles.length === 0) return options;
  const names = keyFiles.map(({ name }) => name).join(', ');
  const armoured = keyFiles.map(({ content }) => content);
  return { ...options, keyring: await readKeyring(names, armoured) };
}

/** Named by the user, else those that ship, else the image's own. */
async function apkKeys(options: OpenRepositoriesOptions, shipped: string | undefined): Promise<FlatKeyring> {
  const { keyFiles = [], imageKeys = [] } = options;
  if (keyFiles.length > 0) return { kind: 'apk', keyring: readApkKeyring('named', keyFiles) };
  if (shipped !== undefined) return { kind: 'apk', keyring: await shippedApkKeyring(shipped) };
  const keyring = imageKeys.length === 0 ? undefined : readApkKeyring("the image's own", imageKeys);
  return { kind: 'apk', keyring };
}

/**
 * Opens the repositories of a distribution, each family's in its own way. Snapshots come in the order of pockets, then
 * components.
 *
 * @throws FEED_*, RELEASE_*, DISTRO_* (see their catalogues), ARCHIVE_*; nothing unverified is ever kept
 */
export async function openRepositories(options: OpenRepositoriesOptions): Promise<readonly RepositorySnapshot[]> {
  const { distribution, repositories } = options;
  const format = formatOf(distribution);
  // Whoever names repositories of a distribution nobody knows means rpm: the other formats take mirrors.
  if (format === 'rpm' || (format === undefined && repositories !== undefined)) {
    // Loaded by who has such a distribution alone: it brings a parser of XML.
    const { openRpmRepositories } = await import('./rpm-md/repositories.ts');
    return openRpmRepositories(await withKeyring(options));
  }
  const flat = format === 'apk' || format === 'alpm' ? format : undefined;
  if (repositories !== undefined && flat === undefined) {
    throw feedError('FEED_REPOSITORIES_UNUSABLE', `${distribution} takes mirrors and pockets, not repositories`, {
      hint: 'Name mirrors for it; repositories by URL are for distributions of the rpm, apk and pacman families.',
    });
  }
  return flat === undefined ? openAptRepositories(await withKeyring(options)) : openFlat(options, flat);
}

async function openFlat(
  options: OpenRepositoriesOptions,
  family: 'apk' | 'alpm',
): Promise<readonly RepositorySnapshot[]> {
  const { distribution, architecture, mirrors, signal } = options;
  const data = distributionData(distribution.split('/')[0] ?? '');
  const { progress = silentProgress } = options;
  progress.update(`repositories of ${distribution}`, 0, 1);
  const context: StateContext = {
    cache: options.cache,
    clock: options.clock ?? systemClock,
    failover: options.failover ?? createFailover(mirrors.origin),
    offline: options.offline ?? false,
    maxAge: (options.maxAge ?? 0) * 1000,
    attempts: options.attempts ?? 3,
    signal,
  };
  const common = { distribution: distribution as DistributionName, architecture };
  const keysOf = async (from: OpenRepositoriesOptions): Promise<FlatKeyring> =>
    family === 'apk' ? apkKeys(from, data?.keyring) : { kind: 'alpm', keyring: (await withKeyring(from)).keyring };
  const openNamed = async (named: NamedRepository): Promise<readonly RepositorySnapshot[]> => {
    const { name, urls, security = false } = named;
    const trusted = named.trusted === true || options.trusted === true;
    const repositories = [placeNamed(name, urls, architecture)];
    return openFlatRepositories(
      { ...common, repositories, keys: await keysOf({ ...options, ...named }), trusted, security },
      context,
    );
  };
  const openKnown = async (): Promise<readonly RepositorySnapshot[]> => {
    for (const pocket of options.pockets ?? []) findPocket(distribution, pocket);
    const repositories = placeRepositories(mirrors.main, common, options.components);
    const trusted = options.trusted ?? false;
    return openFlatRepositories({ ...common, repositories, keys: await keysOf(options), trusted }, context);
  };
  const { repositories } = options;
  const snapshots =
    repositories === undefined ? await openKnown() : (await Promise.all(repositories.map(openNamed))).flat();
  progress.update(`repositories of ${distribution}`, 1, 1);
  return family === 'alpm' ? firstWins(snapshots) : snapshots;
}
