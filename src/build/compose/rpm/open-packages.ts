import { openRpm, type RpmArchive } from '../../../distro/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import type { LockedPackage } from '../lock-form.ts';
import { checkHeld, openLocked, type PackageFile } from '../open-locked.ts';
import type { PlacedPackage } from '../root-split.ts';
import type { ComposeRequest } from '../types.ts';

export interface LockedRpm {
  readonly item: LockedPackage;
  readonly archive: RpmArchive;
  readonly bytes: Uint8Array;
  /** Without a colon, and unique among the packages of an image. */
  readonly fileName: string;
}

/** Fetches and opens packages; order is kept. @throws COMPOSE_PACKAGE_MISMATCH, DISTRO_PACKAGE_INVALID */
export function openLockedRpms(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
): Promise<readonly LockedRpm[]> {
  return openLocked(request, packages, openOne);
}

async function openOne(item: LockedPackage, { bytes, what }: PackageFile): Promise<LockedRpm> {
  const archive = openRpm(bytes, what);
  checkHeld(item, archive.package);
  const fileName = `${item.name}-${item.version.replace(':', '_')}.${item.architecture}.rpm`;
  return { item, archive, bytes, fileName };
}

/**
 * A package's files as they lie in a root that rpm filled, with the times that the package has of them.
 *
 * @param root by path
 * @param place where a path lies once the links among its folders are followed
 */
export async function placedRpm(
  { item, archive }: LockedRpm,
  root: ReadonlyMap<string, LayerItem>,
  place: (path: string) => string,
): Promise<PlacedPackage> {
  const own = new Set<string>();
  const entries: LayerItem[] = [];
  for (const { path: asPacked, type, mode, linkName, content, mtime: made } of await archive.files()) {
    const path = place(asPacked);
    const there = root.get(path)?.header;
    if (there === undefined || type === 'other' || path === '') continue;
    own.add(path);
    const mtime = made ?? archive.buildTime;
    const common = { path, mode, uid: there.uid, gid: there.gid, mtime };
    if (there.type === 'hardlink' && type === 'file' && own.has(there.linkName ?? '')) {
      entries.push({ header: { ...common, type: 'hardlink', size: 0, linkName: there.linkName ?? '' } });
    } else if (type === 'file') {
      entries.push({ header: { ...common, type, size: content.length }, content });
    } else if (type === 'symlink') {
      entries.push({ header: { ...common, type, mode: 0o777, size: 0, linkName: linkName ?? '' } });
    } else entries.push({ header: { ...common, type, size: 0 } });
  }
  return { item, entries };
}
