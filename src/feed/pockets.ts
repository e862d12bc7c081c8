import { readFileSync } from 'node:fs';
import type { DistributionName } from '../distro/index.ts';
import { feedError } from './errors.ts';

/** Which tree of a mirror a pocket lies in: Debian keeps security apart. */
export type ArchiveKind = 'main' | 'security';

/** A pocket of one distribution. */
export interface Pocket {
  readonly distribution: DistributionName;
  readonly pocket: string;
  /** Folder below `dists/`. */
  readonly suite: string;
  readonly archive: ArchiveKind;
  readonly security: boolean;
}

interface PocketData {
  readonly suite: string;
  readonly archive: ArchiveKind;
  readonly security: boolean;
}

interface DistributionData {
  readonly keyring: string;
  readonly pockets: Readonly<Record<string, PocketData>>;
  readonly releases: Readonly<Record<string, { readonly version: string; readonly pockets?: readonly string[] }>>;
}

/** Two folders up both from src/feed and from dist/feed. */
const DATA = JSON.parse(readFileSync(new URL('../../data/distributions.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, DistributionData>
>;

const unknown = (message: string, known: readonly string[]): Error =>
  feedError('FEED_DISTRIBUTION_UNKNOWN', message, { hint: `Known: ${known.join(', ')}.` });

function lookUp(distribution: string): { data: DistributionData; id: string; codename: string } {
  const [id = '', codename = '', more] = distribution.split('/');
  const data = Object.hasOwn(DATA, id) ? DATA[id] : undefined;
  if (data === undefined || more !== undefined || !Object.hasOwn(data.releases, codename)) {
    throw unknown(`the repositories of ${JSON.stringify(distribution)} are not known`, knownDistributions());
  }
  return { data, id, codename };
}

/** `debian/trixie`, … */
export function knownDistributions(): readonly string[] {
  return Object.entries(DATA).flatMap(([id, data]) =>
    Object.keys(data.releases).map((codename) => `${id}/${codename}`),
  );
}

/** Pockets that a distribution's users have enabled by default: all but backports. */
export function defaultPockets(distribution: string): readonly string[] {
  const { data, codename } = lookUp(distribution);
  const pockets = data.releases[codename]?.pockets ?? Object.keys(data.pockets);
  return pockets.filter((pocket) => pocket !== 'backports');
}

/** Name of the shipped keyring that signs a distribution. */
export function keyringOf(distribution: string): string {
  return lookUp(distribution).data.keyring;
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
  const data = Object.hasOwn(DATA, id) ? DATA[id] : undefined;
  if (data === undefined) throw unknown(`repository ${JSON.stringify(repository)} is not known`, Object.keys(DATA));
  const security = Object.values(data.pockets).some(
    (pocket) => pocket.archive === 'security' && suite.endsWith(pocket.suite.replace('{codename}', '')),
  );
  return { id, archive: security ? 'security' : 'main' };
}

/** Does a suite of an apt source belong to this distribution: `trixie`, `trixie-updates`, `stable-security`? */
export function suiteKind(id: string, suite: string): ArchiveKind | undefined {
  const data = Object.hasOwn(DATA, id) ? DATA[id] : undefined;
  if (data === undefined) return undefined;
  const clean = suite.replace(/\/$/, '');
  const names = [...Object.keys(data.releases), 'stable', 'oldstable', 'oldoldstable', 'testing', 'unstable'];
  for (const pocket of Object.values(data.pockets)) {
    if (names.some((name) => clean === pocket.suite.replace('{codename}', name))) return pocket.archive;
  }
  // Until buster, security suites were called `buster/updates`.
  return names.some((name) => clean === `${name}/updates`) ? 'security' : undefined;
}
