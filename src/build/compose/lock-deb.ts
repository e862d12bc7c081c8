import { createdAt } from './created-at.ts';
import { openPackage } from './group-layer.ts';
import { filesOfBase, lockFor } from './lock-for.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import { keepRecord, readRecord } from './package-record.ts';
import type { ComposeRequest } from './types.ts';

/** Packages opened at a time: decompression runs on the thread pool. */
const PARALLEL = 3;

/**
 * The lock that a build would write, without building. Every package is fetched and verified, because the time of its
 * newest file is part of the lock: a build from it needs no network any more.
 *
 * @throws as `compose`, up to its first layer
 */
export async function lockDeb(request: ComposeRequest): Promise<Lock> {
  const draft = await lockFor(request, await filesOfBase(request));
  const times: number[] = [createdAt(request)];
  const rest = draft.packages.values();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const item of rest) {
      request.signal?.throwIfAborted();
      times.push(await timeOf(request, item));
      done += 1;
      request.progress?.update('packages', done, draft.packages.length, item.name);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { ...draft, epoch: Math.max(0, ...times) };
}

async function timeOf(request: ComposeRequest, item: LockedPackage): Promise<number> {
  const known = await readRecord(request.cache, item.sha256);
  if (known !== undefined) return known.mtime;
  const { record } = await openPackage(request, item);
  await keepRecord(request.cache, record);
  return record.mtime;
}
