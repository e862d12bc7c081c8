import { syncDirectory } from '../base/index.ts';

/**
 * Shares one directory fsync among all callers that wait at the same time: a call resolves after a sync that *began*
 * after it, so a thousand parallel renames cost a handful of syncs and each is durable when its caller goes on.
 */
export function createDirectorySync(
  directory: string,
  sync: (directory: string) => Promise<void> = syncDirectory,
): { afterRename(): Promise<void>; settled(): Promise<void> } {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    const current = sync(directory).finally(() => {
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
  return {
    afterRename: () => (running === undefined ? start() : queue(running)),
    /** Resolves when what was renamed so far is durable, whoever renamed it. */
    settled: async () => {
      await (next ?? running);
    },
  };
}
