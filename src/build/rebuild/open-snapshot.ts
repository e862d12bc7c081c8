import { rebuildError } from './errors.ts';
import type { PlatformLock } from './lock.ts';
import { completeContent, createLockedSnapshot } from './snapshot/locked.ts';
import { createRecorder, type Recorder } from './snapshot/record.ts';
import type { Snapshot } from './snapshot/types.ts';
import { fetchUpstream } from './snapshot/upstream.ts';
import type { RecipeRequest, RecipeTools } from './types.ts';

/** What the build may fetch: everything that its lock names, or what it will be locked to. */
export type OpenedSnapshot =
  | { readonly kind: 'locked'; readonly snapshot: Snapshot; readonly lock: PlatformLock }
  | { readonly kind: 'recording'; readonly snapshot: Recorder };

/** The lock to keep to; undefined: one is made. @throws REBUILD_LOCK_STALE */
export function usableLock({ lock, mode, name }: RecipeRequest, inputs: string): PlatformLock | undefined {
  if (mode === 'update') return undefined;
  if (lock?.inputs === inputs) return lock;
  if (mode === 'auto') return undefined;
  const why =
    lock === undefined
      ? 'is not locked for this platform'
      : 'was locked with another Dockerfile, other arguments or another target';
  throw rebuildError('REBUILD_LOCK_STALE', `${name} ${why}`, {
    hint: 'Build once without --locked and keep the new lock.',
  });
}

/** @throws REBUILD_SNAPSHOT_MISSING */
export async function openSnapshot(
  request: RecipeRequest,
  urls: readonly string[],
  lock: PlatformLock | undefined,
  tools: RecipeTools,
): Promise<OpenedSnapshot> {
  const { content, route } = tools;
  if (lock !== undefined) {
    const fetch = request.offline === true ? undefined : fetchUpstream;
    await completeContent({ resources: lock.resources, content, fetch, route }, tools.signal);
    return { kind: 'locked', snapshot: createLockedSnapshot({ resources: lock.resources, content }), lock };
  }
  if (request.offline === true) {
    throw rebuildError('REBUILD_SNAPSHOT_MISSING', `${request.name} is not locked, and the network was ruled out`, {
      hint: 'Build it once without --offline.',
    });
  }
  const allowed = [...(request.allowed ?? []), ...urls];
  return { kind: 'recording', snapshot: createRecorder({ content, fetch: fetchUpstream, allowed, route }) };
}
