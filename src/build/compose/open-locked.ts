import { createHash } from 'node:crypto';
import { composeError } from './errors.ts';
import type { LockedPackage } from './lock-form.ts';
import type { ComposeRequest } from './types.ts';

/** Packages fetched and unpacked at a time. */
const PARALLEL = 4;

export interface PackageFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Name and version, for messages. */
  readonly what: string;
}

/**
 * Fetches the files of locked packages and opens each; order is kept.
 * @throws COMPOSE_PACKAGE_MISMATCH, and what `fetchPackage` and `open` throw
 */
export async function openLocked<T>(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
  open: (item: LockedPackage, file: PackageFile) => Promise<T>,
): Promise<readonly T[]> {
  const opened: T[] = new Array(packages.length);
  const rest = packages.entries();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const [at, item] of rest) {
      request.signal?.throwIfAborted();
      opened[at] = await open(item, await fetchLocked(request, item));
      done += 1;
      request.progress?.update('packages', done, packages.length, item.name);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return opened;
}

/** A package's file, held to its lock. @throws COMPOSE_PACKAGE_MISMATCH, and what `fetchPackage` throws */
export async function fetchLocked(request: ComposeRequest, item: LockedPackage): Promise<PackageFile> {
  const bytes = await request.fetchPackage(item, request.signal);
  const what = `${item.name} ${item.version}`;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  // The index of apk names only the package's identity, which opening it checks: its lock is being written.
  const isNew = item.sha256 === '' && item.identity !== undefined;
  if (isNew || sha256 === item.sha256) return { bytes, sha256, what };
  throw composeError('COMPOSE_PACKAGE_MISMATCH', `${what} has the sha256 ${sha256}, the lock names ${item.sha256}`, {
    hint: 'The package cache or the mirror holds another file under this name.',
  });
}

/** @throws COMPOSE_PACKAGE_MISMATCH where a file holds another package than its lock says */
export function checkHeld(
  item: LockedPackage,
  { name, version }: { readonly name: string; readonly version: string },
): void {
  if (name === item.name && version === item.version) return;
  const what = `${item.name} ${item.version}`;
  throw composeError('COMPOSE_PACKAGE_MISMATCH', `the package file of ${what} holds ${name} ${version}`);
}
