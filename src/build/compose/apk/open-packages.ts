import { type ApkArchive, ApkRelations, openApk, type RepositoryPackage } from '../../../distro/index.ts';
import { type OpenedApk, openedApk } from '../../patch/apk/install-package.ts';
import type { LockedPackage } from '../lock-form.ts';
import { checkHeld, openLocked, type PackageFile } from '../open-locked.ts';
import type { ComposeRequest } from '../types.ts';

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
export function openApks(request: ComposeRequest, packages: readonly LockedPackage[]): Promise<readonly LockedApk[]> {
  return openLocked(request, packages, openOne);
}

async function openOne(item: LockedPackage, { bytes, sha256, what }: PackageFile): Promise<LockedApk> {
  const archive = openApk(bytes, { what, ...(item.identity === undefined ? {} : { identity: item.identity }) });
  checkHeld(item, archive.info);
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
