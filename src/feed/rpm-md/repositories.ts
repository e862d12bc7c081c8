import { silentProgress, systemClock } from '../../base/index.ts';
import type { DistributionName, RepositorySnapshot } from '../../distro/index.ts';
import { createFailover } from '../failover.ts';
import type { NamedRepository } from '../named-repository.ts';
import type { OpenRepositoriesOptions } from '../open-options.ts';
import { defaultPockets, findPocket } from '../pockets.ts';
import { openRpmRepository } from './open.ts';
import type { RepositoryTrust, RpmRepository } from './repository.ts';

const ARCHITECTURE = '{architecture}';

/**
 * Keys where there are any. Without them https has to do, as for dnf: most distributions of this family sign packages,
 * not indexes, and say by the host's certificate whose word it is.
 */
function trustOf(options: OpenRepositoriesOptions, named: Partial<NamedRepository>): RepositoryTrust {
  const keyring = named.keyring ?? options.keyring;
  if (named.trusted === true || options.trusted === true) return { kind: 'always' };
  return keyring === undefined ? { kind: 'https' } : { kind: 'signature', keyring };
}

/** Repositories as the fleet file names them, else the pockets that are known of the distribution. */
function repositoriesOf(options: OpenRepositoriesOptions): readonly RpmRepository[] {
  const { architecture } = options;
  const distribution = options.distribution as DistributionName;
  const inPlace = (url: string): string => url.replaceAll(ARCHITECTURE, architecture).replace(/\/+$/, '');
  const common = { distribution, architecture };
  const idOf = (name: string): string => `${distribution}/${name}/${architecture}`;
  if (options.repositories !== undefined) {
    return options.repositories.map((named) => ({
      ...common,
      id: idOf(named.name),
      name: named.name,
      security: named.security ?? false,
      bases: named.urls.map(inPlace),
      trust: trustOf(options, named),
    }));
  }
  const trust = trustOf(options, {});
  return (options.pockets ?? defaultPockets(distribution)).map((name) => {
    const pocket = findPocket(distribution, name);
    return {
      ...common,
      id: idOf(name),
      name,
      security: pocket.security,
      bases: options.mirrors[pocket.archive].map((base) => inPlace(`${base}/${pocket.suite}`)),
      trust,
    };
  });
}

/**
 * Opens the rpm-md repositories of a distribution, in their order.
 * @throws FEED_*, RELEASE_UNSIGNED, DISTRO_INDEX_INVALID, ADVISORY_*; nothing unverified is ever kept
 */
export async function openRpmRepositories(options: OpenRepositoriesOptions): Promise<readonly RepositorySnapshot[]> {
  const { progress = silentProgress } = options;
  const repositories = repositoriesOf(options);
  const context = {
    failover: options.failover ?? createFailover(options.mirrors.origin),
    cache: options.cache,
    clock: options.clock ?? systemClock,
    offline: options.offline ?? false,
    maxAge: (options.maxAge ?? 0) * 1000,
    signal: options.signal,
    attempts: options.attempts,
    solving: options.solving ?? false,
  };
  const step = `repositories of ${options.distribution}`;
  let done = 0;
  progress.update(step, done, repositories.length);
  return Promise.all(
    repositories.map(async (repository) => {
      const snapshot = await openRpmRepository(repository, context);
      done += 1;
      progress.update(step, done, repositories.length, repository.name);
      return snapshot;
    }),
  );
}
