import type { LockedPackage } from '../../build/index.ts';

/** apk's packages are fetched by what their index says of them; the hash in the lock is held against what is read. */
export const fileOfLocked = (item: LockedPackage): LockedPackage =>
  item.identity === undefined ? item : { ...item, sha256: '' };
