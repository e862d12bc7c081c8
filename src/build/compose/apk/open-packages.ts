import { createHash } from 'node:crypto';
import { type ApkArchive, ApkRelations, openApk, type RepositoryPackage } from '../../../distro/index.ts';
import { type OpenedApk, openedApk } from '../../patch/apk/install-package.ts';
import { composeError } from '../errors.ts';
import type { LockedPackage } from '../lock-form.ts';
import type { ComposeRequest } from '../types.ts';

/** Packages fetched and unpacked at a time. */
const PARALLEL = 4;

/** A locked package that was fetched, with the hash of its file. */
export interface LockedApk {
  readonly item: LockedPackage;
  readonly opened: OpenedApk;
  /** Newest time in it, seconds since the epoch. */
  readonly newest: number;
}

/**
 * Fetches and opens packages; order is kept.
 * @throws COMPOSE_PACKAGE_MISMATCH, DISTRO_PACKAGE_INVALID, and what `fetchPackage` throws
 */
export async function openLocked(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
): Promise<readonly LockedApk[]> {
  const opened: LockedApk[] = new Array(packages.length);
  const rest = packages.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const [at, item] of rest) {
      request.signal?.throwIfAborted();
      opened[at] = await openOne(request, item);
      done += 1;
      request.progress?.update('packages', done, packages.length, item.name);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return opened;
}

async function openOne(request: ComposeRequest, item: LockedPackage): Promise<LockedApk> {
  const bytes = await request.fetchPackage(item, request.signal);
  const what = `${item.name} ${item.version}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  // '': the index named only the package's identity, and the lock is being written.
  if (item.sha256 !== '' && sha256 !== item.sha256) {
    throw composeError('COMPOSE_PACKAGE_MISMATCH', `${what} has the sha256 ${sha256}, the lock names ${item.sha256}`, {
      hint: 'The package cache or the mirror holds another file under this name.',
    });
  }
  const archive = openApk(bytes, { what, ...(item.identity === undefined ? {} : { identity: item.identity }) });
  const { name, version } = archive.info;
  if (name !== item.name || version !== item.version) {
    throw composeError('COMPOSE_PACKAGE_MISMATCH', `the package file of ${what} holds ${name} ${version}`);
  }
  const files = [...(await archive.files())];
  const known: LockedPackage = { ...item, size: bytes.byteLength, sha256, identity: archive.identity };
  return {
    item: known,
    opened: openedApk(archive, files, offerOf(archive, known)),
    newest: Math.max(archive.info.buildTime, ...files.map(({ mtime }) => mtime)),
  };
}

/** A package as an index would have it, in its own words: what is built must not depend on an index. */
export function offerOf(
  { info, identity }: Pick<ApkArchive, 'info' | 'identity'>,
  item: LockedPackage,
): RepositoryPackage {
  const texts = { depends: info.depends, provides: info.provides, installIf: info.installIf };
  const given = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text === '' ? undefined : text]));
  return {
    ...{ name: info.name, version: info.version, architecture: info.architecture },
    source: { name: info.origin === '' ? info.name : info.origin, version: info.version },
    ...{ repository: item.repository, filename: item.filename, size: item.size, sha256: item.sha256, identity },
    ...{ security: false, essential: false, priority: '', section: '', multiArch: 'no' },
    relations: new ApkRelations(given as typeof texts, info.providerPriority),
    installedSize: info.installedSize,
  };
}
