import { systemClock } from '../base/index.ts';
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
import { placeRepositories } from './flat/layout.ts';
import { type FlatKeyring, openFlatRepositories } from './flat/open.ts';
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
  if (repositories !== undefined) {
    throw feedError('FEED_REPOSITORIES_UNUSABLE', `${distribution} takes mirrors and pockets, not repositories`, {
      hint: 'Name mirrors for it; repositories by URL are for distributions of the rpm family.',
    });
  }
  return format === 'apk' || format === 'alpm'
    ? openFlat(options, format)
    : openAptRepositories(await withKeyring(options));
}

async function openFlat(
  options: OpenRepositoriesOptions,
  family: 'apk' | 'alpm',
): Promise<readonly RepositorySnapshot[]> {
  const { distribution, architecture, mirrors, signal } = options;
  const data = distributionData(distribution.split('/')[0] ?? '');
  for (const pocket of options.pockets ?? []) findPocket(distribution, pocket);
  const keys: FlatKeyring =
    family === 'apk'
      ? await apkKeys(options, data?.keyring)
      : { kind: 'alpm', keyring: (await withKeyring(options)).keyring };
  options.progress?.update(`repositories of ${distribution}`, 0, 1);
  const snapshots = await openFlatRepositories(
    {
      distribution: distribution as DistributionName,
      architecture,
      repositories: placeRepositories(mirrors.main, { distribution, architecture }, options.components),
      keys,
      trusted: options.trusted ?? false,
    },
    {
      cache: options.cache,
      clock: options.clock ?? systemClock,
      failover: options.failover ?? createFailover(mirrors.origin),
      offline: options.offline ?? false,
      maxAge: (options.maxAge ?? 0) * 1000,
      attempts: options.attempts ?? 3,
      signal,
    },
  );
  options.progress?.update(`repositories of ${distribution}`, 1, 1);
  return snapshots;
}
