import { type RepositoryPackage, type RepositorySnapshot, readPackagesIndex } from '../../distro/index.ts';
import { openPackage } from './group-layer.ts';
import type { LockedPackage } from './lock-form.ts';
import { keepRecord, readRecord } from './package-record.ts';
import type { ComposeRequest } from './types.ts';

const keyOf = ({ name, version, architecture, sha256 }: LockedPackage | RepositoryPackage): string =>
  `${name} ${version} ${architecture} ${sha256}`;

/** Locked packages as the indexes have them; what no index offers any more is read from the package itself. */
export interface KnownPackages {
  readonly packages: readonly RepositoryPackage[];
  /** An index of those that no other has; undefined where there are none. */
  readonly snapshot: RepositorySnapshot | undefined;
}

/**
 * Finds the relations of locked packages.
 * @throws what `fetchPackage` throws, where a package is in no index and in no cache
 */
export async function knownPackages(
  request: ComposeRequest,
  locked: readonly LockedPackage[],
  snapshots: readonly RepositorySnapshot[],
  distribution: string,
): Promise<KnownPackages> {
  const wanted = new Set(locked.map(keyOf));
  // Names first: a key for each of 65,000 packages costs more than the solving.
  const names = new Set(locked.map(({ name }) => name));
  const offered = new Map<string, RepositoryPackage>();
  for (const { packages } of snapshots) {
    for (const item of packages) {
      if (!names.has(item.name)) continue;
      const key = keyOf(item);
      if (wanted.has(key) && !offered.has(key)) offered.set(key, item);
    }
  }
  const gone = locked.filter((item) => !offered.has(keyOf(item)));
  const read: RepositoryPackage[] = [];
  for (const item of gone) read.push(await readLocked(request, item));
  return {
    packages: [...offered.values(), ...read],
    snapshot: read.length === 0 ? undefined : snapshotOf(read, distribution, request.architecture),
  };
}

async function readLocked(request: ComposeRequest, item: LockedPackage): Promise<RepositoryPackage> {
  let record = await readRecord(request.cache, item.sha256);
  if (record === undefined) {
    ({ record } = await openPackage(request, item));
    await keepRecord(request.cache, record);
  }
  const place = `Filename: ${item.filename}\nSize: ${item.size}\nSHA256: ${item.sha256}\n`;
  const text = Buffer.from(`${record.control.trimEnd()}\n${place}`, 'latin1');
  const [found] = readPackagesIndex(text, { id: item.repository, security: false });
  if (found === undefined) throw new Error(`the kept control file of ${item.name} does not parse`);
  return found;
}

/** NotAutomatic: a version that no index has any more is kept where it is wanted, and never preferred. */
function snapshotOf(
  packages: readonly RepositoryPackage[],
  distribution: string,
  architecture: string,
): RepositorySnapshot {
  return {
    ...{ id: 'lock', pocket: 'lock', suite: 'lock', component: 'lock', architecture, packages },
    distribution: distribution as RepositorySnapshot['distribution'],
    ...{ security: false, date: 0, releaseDigest: '', notAutomatic: true },
  };
}
