import { messageOf } from '../../../base/index.ts';
import { rebuildError } from '../errors.ts';
import { publicUrl, whyNot } from './allowed.ts';
import type { ContentStore } from './content-store.ts';
import { contentOf, keyOf } from './locked.ts';
import type { Answer, LockedResource, Refusal, Snapshot, SnapshotRequest } from './types.ts';
import type { FetchUpstream, UpstreamAnswer } from './upstream.ts';

/** What one build may fetch. */
export const MAX_RESOURCES = 20_000;
export const MAX_SNAPSHOT_BYTES = 16 * 1024 ** 3;

export interface RecordOptions {
  readonly content: ContentStore;
  readonly fetch: FetchUpstream;
  /** URLs, or their first parts, that may be fetched although they are no package repositories. */
  readonly allowed: readonly string[];
  /** Where to ask for a URL, best first: a mirror of one's own instead of the one that the recipe names. */
  route(url: URL): readonly URL[];
}

export interface Recorder extends Snapshot {
  /** All that was fetched, by URL. @throws REBUILD_SNAPSHOT_LIMIT */
  resources(): readonly LockedResource[];
}

/** Fetches what a build asks for, once each, and keeps it: a build that asks twice sees the same twice. */
export function createRecorder({ content, fetch, allowed, route }: RecordOptions): Recorder {
  const known = new Map<string, LockedResource>();
  const underWay = new Map<string, Promise<unknown>>();
  const refused: Refusal[] = [];
  let bytes = 0;
  let overLimit: string | undefined;

  const refuse = (request: SnapshotRequest, why: string, status = 403): Answer => {
    const what = `${request.method} ${publicUrl(request.url)}`;
    refused.push({ what, why });
    return { kind: 'refused', status, message: `heraklit refused ${what}: ${why}\n` };
  };

  async function* keeping(
    request: SnapshotRequest,
    answer: UpstreamAnswer,
    done: (resource: LockedResource | undefined) => void,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const writer = await content.begin();
    let resource: LockedResource | undefined;
    try {
      for await (const chunk of answer.body) {
        bytes += chunk.byteLength;
        if (bytes > MAX_SNAPSHOT_BYTES) {
          overLimit = `more than ${MAX_SNAPSHOT_BYTES} bytes`;
          throw new Error(overLimit);
        }
        await writer.write(chunk);
        yield chunk;
      }
      const { sha256, size } = await writer.commit();
      if (answer.size !== undefined && answer.size !== size) throw new Error('the answer ended early');
      resource = lockedOf(request, answer, sha256, size);
      known.set(keyOf(resource.url, resource.accept), resource);
    } finally {
      if (resource === undefined) await writer.discard();
      done(resource);
    }
  }

  async function ask(request: SnapshotRequest, signal: AbortSignal): Promise<UpstreamAnswer> {
    const failures: string[] = [];
    const places = route(request.url);
    for (const at of places) {
      try {
        const answer = await fetch(request, at, signal);
        // A mirror may lack what the place that the recipe names has.
        const isLast = at === places.at(-1);
        if (answer.status < (isLast ? 500 : 400) && answer.status !== 429) return answer;
        answer.drop();
        failures.push(`${at.host} answers ${answer.status}`);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    throw new Error(failures.join('; '));
  }

  return {
    note: (refusal) => void refused.push(refusal),
    refusals: () => refused,
    resources() {
      if (overLimit !== undefined) throw rebuildError('REBUILD_SNAPSHOT_LIMIT', `the build fetched ${overLimit}`);
      return [...known.values()].sort((a, b) => (keyOf(a.url, a.accept) < keyOf(b.url, b.accept) ? -1 : 1));
    },
    async answer(request, signal) {
      const why = whyNot(request, allowed);
      if (why !== undefined) return refuse(request, why);
      const url = publicUrl(request.url);
      const key = keyOf(url, request.accept);
      await underWay.get(key);
      const resource = known.get(key) ?? known.get(keyOf(url, undefined));
      if (resource !== undefined) return contentOf(resource, content);
      if (known.size >= MAX_RESOURCES) {
        overLimit = `more than ${MAX_RESOURCES} files`;
        return refuse(request, overLimit);
      }
      const { promise, resolve } = Promise.withResolvers<unknown>();
      underWay.set(key, promise);
      try {
        const answer = await ask(request, signal);
        const { status, type, location, size } = answer;
        return { kind: 'content', status, type, location, size, body: keeping(request, answer, resolve) };
      } catch (error) {
        resolve(undefined);
        return refuse(request, `it cannot be reached: ${messageOf(error)}`, 502);
      }
    },
  };
}

function lockedOf(
  { url, accept }: SnapshotRequest,
  { status, type, location, varies }: UpstreamAnswer,
  sha256: string,
  size: number,
): LockedResource {
  return {
    url: publicUrl(url),
    ...(varies && accept !== undefined ? { accept } : {}),
    ...(status === 200 ? {} : { status }),
    ...(type === undefined ? {} : { type }),
    ...(location === undefined ? {} : { location }),
    size,
    sha256,
    by: url.protocol === 'https:' ? 'https' : 'nobody',
  };
}
