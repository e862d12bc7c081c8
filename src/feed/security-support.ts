import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isHeraklitError, packageFile } from '../base/index.ts';
import {
  distributionData,
  ecosystemOf,
  openDeb,
  type RepositoryPackage,
  type RepositorySnapshot,
  readSecuritySupport,
  type SupportNote,
  securitySupportFiles,
} from '../distro/index.ts';
import type { PackageCache } from './packages.ts';

/** What a distribution says of packages it no longer supports, and where that stands. */
export interface SecuritySupport {
  /** `debian-security-support 1:12+2026.06.30` */
  readonly source: string;
  readonly notes: readonly SupportNote[];
}

const PACKAGE = 'debian-security-support';
const NOTHING: SecuritySupport = { source: '', notes: [] };

let shipped: Readonly<Record<string, SecuritySupport>> | undefined;

/** As it was when heraklit was made; empty for a distribution that says nothing. */
function shippedSupport(distribution: string): SecuritySupport {
  shipped ??= JSON.parse(readFileSync(packageFile('data/security-support.json'), 'utf8')) as Readonly<
    Record<string, SecuritySupport>
  >;
  return (Object.hasOwn(shipped, distribution) ? shipped[distribution] : undefined) ?? NOTHING;
}

/**
 * The newest list that the distribution's own repositories have (a package of 30 kB, fetched once a version); the one
 * that ships with heraklit where that cannot be had.
 */
export async function securitySupport(
  distribution: string,
  snapshots: readonly RepositorySnapshot[],
  packages: PackageCache,
  signal?: AbortSignal,
): Promise<SecuritySupport> {
  const [id = '', codename = ''] = distribution.split('/');
  if (id !== 'debian') return NOTHING;
  const newest = snapshots
    .filter((snapshot) => snapshot.distribution === distribution)
    .flatMap((snapshot) => snapshot.packages.filter(({ name }) => name === PACKAGE))
    .reduce<RepositoryPackage | undefined>(
      (a, b) => (a !== undefined && compare(a.version, b.version) >= 0 ? a : b),
      undefined,
    );
  if (newest === undefined) return shippedSupport(distribution);
  try {
    const deb = await openDeb(await readFile(await packages.fetch(newest, signal)), newest.filename);
    const major = distributionData('debian')?.releases[codename]?.version ?? '';
    return {
      source: `${PACKAGE} ${newest.version}`,
      notes: readSecuritySupport(await securitySupportFiles(deb), major),
    };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isHeraklitError(error)) throw error;
    return shippedSupport(distribution);
  }
}

const compare = (a: string, b: string): number => ecosystemOf('deb').compareVersions(a, b);
