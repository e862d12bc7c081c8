import {
  type ArchiveKind,
  type DistributionData,
  type DistributionName,
  distributionData,
  type EcosystemId,
  familyOf,
  knownDistributionIds,
} from '../distro/index.ts';
import { feedError } from './errors.ts';

/** A pocket of one distribution. */
export interface Pocket {
  readonly distribution: DistributionName;
  readonly pocket: string;
  /** Folder below `dists/`. */
  readonly suite: string;
  readonly archive: ArchiveKind;
  readonly security: boolean;
  /** Set for a repository that is none of the distribution's own. */
  readonly extra?: { readonly name: string; readonly urls: readonly string[] };
}

const unknown = (message: string, known: readonly string[]): Error =>
  feedError('FEED_DISTRIBUTION_UNKNOWN', message, { hint: `Known: ${known.join(', ')}.` });

function lookUp(distribution: string): { data: DistributionData; id: string; codename: string } {
  const [id = '', codename = '', more] = distribution.split('/');
  const data = distributionData(id);
  if (data === undefined || more !== undefined || !Object.hasOwn(data.releases, codename)) {
    throw unknown(`the repositories of ${JSON.stringify(distribution)} are not known`, knownDistributions());
  }
  return { data, id, codename };
}

/** `debian/trixie`, … */
export function knownDistributions(): readonly string[] {
  return knownDistributionIds().flatMap((id) =>
    Object.keys(distributionData(id)?.releases ?? {}).map((codename) => `${id}/${codename}`),
  );
}

/** Pockets that a distribution's users have enabled by default: all but backports. */
export function defaultPockets(distribution: string): readonly string[] {
  const { data, codename } = lookUp(distribution);
  const pockets = data.releases[codename]?.pockets ?? Object.keys(data.pockets);
  return pockets.filter((pocket) => pocket !== 'backports');
}

/** Name of the shipped keyring that signs a distribution; undefined where none ships. */
export function keyringOf(distribution: string): string | undefined {
  return lookUp(distribution).data.keyring;
}

/** Package format of a distribution's repositories; undefined for one nobody told heraklit of. */
export function formatOf(distribution: string): EcosystemId | undefined {
  const [id = ''] = distribution.split('/');
  const data = distributionData(id);
  return data === undefined ? familyOf(id) : (data.family ?? 'deb');
}

/** @throws FEED_DISTRIBUTION_UNKNOWN */
export function findPocket(distribution: string, pocket: string): Pocket {
  const { data, codename } = lookUp(distribution);
  const allowed = data.releases[codename]?.pockets ?? Object.keys(data.pockets);
  const found = allowed.includes(pocket) ? data.pockets[pocket] : undefined;
  if (found === undefined) throw unknown(`${distribution} has no pocket ${JSON.stringify(pocket)}`, allowed);
  return {
    ...found,
    distribution: distribution as DistributionName,
    pocket,
    suite: found.suite.replace('{codename}', codename),
  };
}

/** Which tree the packages of a snapshot (`debian/trixie-security/main/amd64`) lie in. */
export function archiveOfRepository(repository: string): { id: string; archive: ArchiveKind } {
  const [id = '', suite = ''] = repository.split('/');
  const data = distributionData(id);
  if (data === undefined)
    throw unknown(`repository ${JSON.stringify(repository)} is not known`, knownDistributionIds());
  const security = Object.values(data.pockets).some(
    (pocket) => pocket.archive === 'security' && suite.endsWith(pocket.suite.replace('{codename}', '')),
  );
  return { id, archive: security ? 'security' : 'main' };
}

/**
 * The distribution a snapshot (`debian/trixie-security/main/amd64`) is a pocket of: `debian/trixie`.
 * @throws FEED_DISTRIBUTION_UNKNOWN
 */
export function distributionOfRepository(repository: string): DistributionName {
  const [id = '', suite = ''] = repository.split('/');
  const data = distributionData(id);
  // The ids of other formats begin with the distribution's name.
  if (formatOf(id) !== 'deb') return `${id}/${suite}`;
  const pockets = Object.values(data?.pockets ?? {});
  const codename = Object.keys(data?.releases ?? {}).find((name) =>
    pockets.some((pocket) => pocket.suite.replace('{codename}', name) === suite),
  );
  if (codename === undefined) {
    throw unknown(`repository ${JSON.stringify(repository)} is not known`, knownDistributions());
  }
  return `${id}/${codename}` as DistributionName;
}

/** Does a suite of an apt source belong to this distribution: `trixie`, `trixie-updates`, `stable-security`? */
export function suiteKind(id: string, suite: string): ArchiveKind | undefined {
  const data = distributionData(id);
  if (data === undefined) return undefined;
  const clean = suite.replace(/\/$/, '');
  const names = [...Object.keys(data.releases), 'stable', 'oldstable', 'oldoldstable', 'testing', 'unstable'];
  for (const pocket of Object.values(data.pockets)) {
    if (names.some((name) => clean === pocket.suite.replace('{codename}', name))) return pocket.archive;
  }
  // Until buster, security suites were called `buster/updates`.
  return names.some((name) => clean === `${name}/updates`) ? 'security' : undefined;
}
