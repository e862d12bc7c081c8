import { decompressBuffer } from '../archive/index.ts';
import { type HeraklitError, isHeraklitError, silentProgress, systemClock } from '../base/index.ts';
import {
  type Keyring,
  MAX_CONTROL_BYTES,
  type Release,
  type RepositoryPackage,
  type RepositorySnapshot,
  shippedKeyring,
} from '../distro/index.ts';
import { releaseAsOf } from './as-of.ts';
import { downloadBuffer } from './download.ts';
import { feedError } from './errors.ts';
import { createFailover, everyMirrorFailed, type Failover } from './failover.ts';
import { fetchRelease, type ReleaseContext } from './fetch-release.ts';
import { cacheIndex, readCachedIndex } from './index-cache.ts';
import type { OpenRepositoriesOptions } from './open-options.ts';
import { defaultPockets, findPocket, keyringOf, type Pocket } from './pockets.ts';
import { isFlat, releaseFolder, snapshotId } from './release-place.ts';
import { mirrorUrl } from './transfer.ts';

/** What stands for the component of a repository that has none. */
const FLAT = 'flat';

/** In the order of preference: smallest first. */
const VARIANTS = [
  { suffix: '.xz', compression: 'xz' },
  { suffix: '.zst', compression: 'zstd' },
  { suffix: '.gz', compression: 'gzip' },
  { suffix: '', compression: 'none' },
] as const;

function chooseIndex(release: Release, component: string, architecture: string, what: string) {
  const paths = component === FLAT ? ['Packages', './Packages'] : [`${component}/binary-${architecture}/Packages`];
  for (const { suffix, compression } of VARIANTS) {
    for (const path of paths) {
      const file = release.files.get(path + suffix);
      if (file !== undefined) return { path: path.replace('./', '') + suffix, compression, file };
    }
  }
  throw feedError('FEED_INDEX_MISSING', `${what} has no index for component ${component} and ${architecture}`, {
    hint: `It has components ${release.components.join(', ')} and architectures ${release.architectures.join(', ')}.`,
  });
}

/** URL → mirror of one index: by hash (immutable, safe while the mirror is being updated) first. */
function indexUrls(
  bases: readonly string[],
  release: Release,
  pocket: Pocket,
  path: string,
  sha256: string,
): ReadonlyMap<string, string> {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const names = [...(release.acquireByHash ? [`${folder}by-hash/SHA256/${sha256}`] : []), path];
  const above = releaseFolder(pocket);
  return new Map(bases.flatMap((base) => names.map((name) => [mirrorUrl(base, above + name), base] as const)));
}

async function loadIndex(
  release: Release,
  pocket: Pocket,
  component: string,
  id: string,
  bases: readonly string[],
  options: OpenOptions,
): Promise<readonly RepositoryPackage[]> {
  const { path, compression, file } = chooseIndex(release, component, options.architecture, id);
  const origin = { id, security: pocket.security };
  const cached = await readCachedIndex(options.cache, file.sha256, origin);
  if (cached !== undefined) return cached;
  if (options.offline === true) {
    throw feedError('FEED_OFFLINE', `the index of ${id} is not in the cache and the network was ruled out`, {
      hint: 'Run once without --offline.',
    });
  }
  const { failover, signal, attempts } = options;
  const urls = indexUrls(failover.order(bases), release, pocket, path, file.sha256);
  const onFailure = (url: string, error: HeraklitError): void => failover.failed(bases, urls.get(url) as string, error);
  const bytes = await downloadBuffer({ urls: [...urls.keys()], ...file }, { signal, attempts, onFailure });
  const index = await decompressBuffer(bytes, compression, { maxBytes: MAX_CONTROL_BYTES });
  return cacheIndex(options.cache, file.sha256, index, origin);
}

type OpenOptions = OpenRepositoriesOptions & { readonly failover: Failover };

async function openPocket(
  pocket: Pocket,
  context: ReleaseContext,
  options: OpenOptions,
): Promise<readonly RepositorySnapshot[]> {
  const bases = pocket.extra?.urls ?? options.mirrors[pocket.archive];
  const open = async (release: Release, from = bases): Promise<readonly RepositorySnapshot[]> => {
    const components = isFlat(pocket) ? [FLAT] : (options.components ?? ['main']);
    return Promise.all(
      components.map(async (component) => {
        const id = snapshotId(pocket, component, options.architecture);
        return {
          id,
          distribution: pocket.distribution,
          pocket: pocket.pocket,
          suite: pocket.suite,
          component,
          architecture: options.architecture,
          security: pocket.security,
          date: release.date,
          releaseDigest: release.digest,
          notAutomatic: release.notAutomatic,
          butAutomaticUpgrades: release.butAutomaticUpgrades,
          packages: await loadIndex(release, pocket, component, id, from, options),
        };
      }),
    );
  };
  if (options.asOf !== undefined) {
    const past = await releaseAsOf(pocket, options.asOf, options.snapshotMirror, context);
    return open(past.release, [...(past.base === undefined ? [] : [past.base]), ...bases]);
  }
  const release = await fetchRelease(bases, pocket, context);
  try {
    return await open(release);
  } catch (error) {
    // The mirror may have moved on between Release and index: look once more for a newer Release.
    if (!isHeraklitError(error, 'FEED_HASH_MISMATCH', 'FEED_NOT_FOUND') || context.offline) throw error;
    const newer = await fetchRelease(bases, pocket, { ...context, maxAge: 0 });
    if (newer.digest !== release.digest) return open(newer);
    return openElsewhere(release, error, bases, pocket, context, open);
  }
}

/** No mirror has the indexes of this Release: one that holds another state, complete and signed, will do. */
async function openElsewhere<T>(
  release: Release,
  first: HeraklitError,
  bases: readonly string[],
  pocket: Pocket,
  context: ReleaseContext,
  open: (release: Release) => Promise<T>,
): Promise<T> {
  const failures = [first];
  const tried = new Set([release.digest]);
  for (const base of bases.length < 2 ? [] : context.failover.order(bases)) {
    try {
      const other = await fetchRelease([base], pocket, { ...context, maxAge: 0 });
      if (tried.has(other.digest)) continue;
      tried.add(other.digest);
      return await open(other);
    } catch (error) {
      if (!isHeraklitError(error)) throw error;
      failures.push(error);
    }
  }
  throw everyMirrorFailed(first, failures);
}

function contextOf(options: OpenRepositoriesOptions, failover: Failover, keyring: Keyring): ReleaseContext {
  return {
    failover,
    keyring,
    cache: options.cache,
    clock: options.clock ?? systemClock,
    trusted: options.trusted ?? false,
    offline: options.offline ?? false,
    maxAge: (options.maxAge ?? 0) * 1000,
    signal: options.signal,
    attempts: options.attempts,
  };
}

/** A repository of Debian packages that is none of the distribution's own. */
export interface ExtraRepository {
  /** Unique among those opened together; letters, digits and `-`. */
  readonly name: string;
  /** Roots, best first. */
  readonly urls: readonly string[];
  /** As in sources.list(5): one that ends in `/` is a folder without components. */
  readonly suite: string;
}

/**
 * Opens one of them: InRelease, or Release and Release.gpg, as for a distribution's own. `options.keyring` signs it.
 * @throws as `openRepositories`
 */
export async function openExtraRepository(
  extra: ExtraRepository,
  options: OpenRepositoriesOptions,
): Promise<readonly RepositorySnapshot[]> {
  const { distribution, keyring } = options;
  if (keyring === undefined && options.trusted !== true) {
    throw feedError('FEED_UNTRUSTED', `the repository ${extra.name} names no keys, and nobody said to trust it`, {
      hint: 'Give it a keyring: a file with the public keys that sign it.',
    });
  }
  const pocket: Pocket = {
    distribution: distribution as Pocket['distribution'],
    ...{ pocket: extra.name, suite: extra.suite, archive: 'main', security: false, extra },
  };
  const failover = options.failover ?? createFailover(extra.name);
  const keys = keyring ?? NOBODY;
  return openPocket(pocket, contextOf(options, failover, keys), { ...options, failover });
}

/** Never asked for a key: what is trusted is not verified. */
const NOBODY: Keyring = { name: 'none', id: '', keys: async () => [] };

/**
 * Opens the repositories of a distribution: InRelease → signature → index by hash → packages.
 * Snapshots come in the order of pockets, then components.
 *
 * @throws FEED_* and RELEASE_* (see their catalogues), ARCHIVE_*; nothing unverified is ever kept
 */
export async function openAptRepositories(options: OpenRepositoriesOptions): Promise<readonly RepositorySnapshot[]> {
  const { distribution, progress = silentProgress } = options;
  const pockets = (options.pockets ?? defaultPockets(distribution)).map((pocket) => findPocket(distribution, pocket));
  const failover = options.failover ?? createFailover(options.mirrors.origin);
  const keyring = options.keyring ?? (await shippedKeyring(keyringOf(distribution) ?? distribution));
  const context = contextOf(options, failover, keyring);
  let done = 0;
  const step = `repositories of ${distribution}`;
  progress.update(step, done, pockets.length);
  const opened = await Promise.all(
    pockets.map(async (pocket) => {
      const snapshots = await openPocket(pocket, context, { ...options, failover });
      done += 1;
      progress.update(step, done, pockets.length, pocket.suite);
      return snapshots;
    }),
  );
  return opened.flat();
}
