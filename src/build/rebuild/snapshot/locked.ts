import { HeraklitError, messageOf } from '../../../base/index.ts';
import { rebuildError } from '../errors.ts';
import { publicUrl } from './allowed.ts';
import type { ContentStore } from './content-store.ts';
import type { Answer, LockedResource, Refusal, Snapshot, SnapshotRequest } from './types.ts';
import type { FetchUpstream } from './upstream.ts';

/** What tells two resources of a lock apart. */
export const keyOf = (url: string, accept: string | undefined): string =>
  accept === undefined ? url : `${url}\n${accept}`;

export function contentOf(resource: LockedResource, content: ContentStore): Answer {
  const { status = 200, type, location, size, sha256 } = resource;
  return { kind: 'content', status, type, location, size, body: content.open(sha256) };
}

export interface LockedOptions {
  readonly resources: readonly LockedResource[];
  readonly content: ContentStore;
  /** Undefined: the network is not asked, whatever is missing. */
  readonly fetch: FetchUpstream | undefined;
  route(url: URL): readonly URL[];
}

/** Answers what the lock names, and nothing else. */
export function createLockedSnapshot(options: Pick<LockedOptions, 'resources' | 'content'>): Snapshot {
  const locked = new Map(options.resources.map((resource) => [keyOf(resource.url, resource.accept), resource]));
  const refused: Refusal[] = [];
  return {
    note: (refusal) => void refused.push(refusal),
    refusals: () => refused,
    async answer({ method, url, accept }) {
      const text = publicUrl(url);
      const resource = locked.get(keyOf(text, accept)) ?? locked.get(keyOf(text, undefined));
      if (resource !== undefined && (method === 'GET' || method === 'HEAD'))
        return contentOf(resource, options.content);
      const what = `${method} ${text}`;
      const why = 'the lock does not have it';
      refused.push({ what, why });
      return { kind: 'refused', status: 403, message: `heraklit refused ${what}: ${why}\n` };
    },
  };
}

/**
 * Brings here what a lock names and this home lacks: made on another machine, or tidied away. Verified by the lock.
 * @throws REBUILD_SNAPSHOT_MISSING
 */
export async function completeContent(
  options: LockedOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  for (const resource of options.resources) {
    if ((await options.content.size(resource.sha256)) === resource.size) continue;
    await bring(resource, options, signal);
  }
}

async function bring(resource: LockedResource, options: LockedOptions, signal: AbortSignal): Promise<void> {
  const { fetch, content, route } = options;
  if (fetch === undefined) {
    throw rebuildError(
      'REBUILD_SNAPSHOT_MISSING',
      `${resource.url} is locked, but not in this home, and the network was ruled out`,
      {
        hint: 'Build once without --offline, or copy the folder `snapshot` of the home that locked it.',
      },
    );
  }
  const url = new URL(resource.url);
  const request: SnapshotRequest = { method: 'GET', url, accept: resource.accept, agent: 'heraklit' };
  const failures: unknown[] = [];
  for (const at of route(url)) {
    const writer = await content.begin();
    try {
      const answer = await fetch(request, at, signal);
      let left = resource.size;
      for await (const chunk of answer.body) {
        left -= chunk.byteLength;
        if (left < 0) throw new Error(`it has more than ${resource.size} bytes`);
        await writer.write(chunk);
      }
      await writer.commit(resource.sha256);
      return;
    } catch (error) {
      await writer.discard();
      signal.throwIfAborted();
      failures.push(error);
    }
  }
  const why = failures.map((error) => (error instanceof HeraklitError ? error.message : messageOf(error))).join('; ');
  throw rebuildError('REBUILD_SNAPSHOT_MISSING', `${resource.url} is locked, but can no longer be had: ${why}`, {
    hint: 'Lock anew with --update, or name a mirror that keeps old states (snapshot).',
    cause: failures[0],
  });
}
