import { createHash } from 'node:crypto';
import { openRpm, type RpmArchive } from '../../../distro/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import { composeError } from '../errors.ts';
import type { LockedPackage } from '../lock-form.ts';
import type { PlacedPackage } from '../root-split.ts';
import type { ComposeRequest } from '../types.ts';

export interface LockedRpm {
  readonly item: LockedPackage;
  readonly archive: RpmArchive;
  readonly bytes: Uint8Array;
  /** Without a colon, and unique among the packages of an image. */
  readonly fileName: string;
}

const PARALLEL = 4;

/** Fetches and opens packages; order is kept. @throws COMPOSE_PACKAGE_MISMATCH, DISTRO_PACKAGE_INVALID */
export async function openLockedRpms(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
): Promise<readonly LockedRpm[]> {
  const opened: LockedRpm[] = new Array(packages.length);
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

async function openOne(request: ComposeRequest, item: LockedPackage): Promise<LockedRpm> {
  const bytes = await request.fetchPackage(item, request.signal);
  const what = `${item.name} ${item.version}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== item.sha256) {
    throw composeError('COMPOSE_PACKAGE_MISMATCH', `${what} has the sha256 ${sha256}, the lock names ${item.sha256}`, {
      hint: 'The package cache or the mirror holds another file under this name.',
    });
  }
  const archive = openRpm(bytes, what);
  const { name, version } = archive.package;
  if (name !== item.name || version !== item.version) {
    throw composeError('COMPOSE_PACKAGE_MISMATCH', `the package file of ${what} holds ${name} ${version}`);
  }
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
