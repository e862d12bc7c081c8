import { syncDirectory } from '../base/index.ts';

export interface DirectorySync {
  /** Says that a rename happened that is not synced yet. */
  touched(): void;
  /** Resolves after a sync that began after the call. */
  sync(): Promise<void>;
  /** Resolves when what was renamed before the call is durable, whoever renamed it. */
  settled(): Promise<void>;
}

/**
 * Shares one directory fsync among all callers that wait at the same time, so a thousand parallel renames cost a
 * handful of syncs and each is durable when its caller goes on.
 */
export function createDirectorySync(
  directory: string,
  syncNow: (directory: string) => Promise<void> = syncDirectory,
): DirectorySync {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let dirty = false;
  const start = (): Promise<void> => {
    dirty = false;
    const current = syncNow(directory)
      .catch((error: unknown) => {
        dirty = true;
        throw error;
      })
      .finally(() => {
        if (running === current) running = undefined;
      });
    running = current;
    return current;
  };
  const queue = (current: Promise<void>): Promise<void> => {
    const follow = (): Promise<void> => {
      next = undefined;
      return start();
    };
    next ??= current.then(follow, follow);
    return next;
  };
  const sync = (): Promise<void> => (running === undefined ? start() : queue(running));
  return {
    touched() {
      dirty = true;
    },
    sync,
    settled: async () => {
      await (dirty ? sync() : (next ?? running));
    },
  };
}
