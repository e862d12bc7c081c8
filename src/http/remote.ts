import { HeraklitError, messageOf } from '../base/index.ts';
import type { EventRecord, Events, Problem } from './contract.ts';
import { httpError } from './errors.ts';
import type { FleetQueries } from './queries.ts';
import { readServerSentEvents } from './server-sent-events.ts';

/** Milliseconds for a question; streams have no limit. */
const TIMEOUT = 30_000;
/** Largest answer taken. */
const MAX_ANSWER = 256 * 1024 * 1024;

/** A running heraklit server as seen from another process. */
export interface RemoteHeraklit extends FleetQueries {
  /** A page of events. */
  events(after: number): Promise<Events>;
  /** Everything after `after`, then what comes, until `signal` is aborted; reconnects where it stopped. */
  followEvents(after: number, signal: AbortSignal): AsyncGenerator<EventRecord, void>;
}

/**
 * The client of `/api/v1`, for the command line when another process holds the home.
 * @param key the owner's key, or a secret of an account
 * @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with
 */
export function createRemoteQueries(url: string, key?: string): RemoteHeraklit {
  const ask = async <T>(path: string, query: object = {}): Promise<T> => {
    const target = new URL(`/api/v1/${path}`, url);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    const response = await request(target, AbortSignal.timeout(TIMEOUT), { accept: 'application/json', key });
    return (await answerOf(response, target)) as T;
  };
  return {
    fleet: () => ask('fleet'),
    totals: () => ask('fleet/totals'),
    outdated: (query) => ask('findings', query),
    plan: () => ask('plan'),
    where: (query) => ask('where', query),
    whereFile: (query) => ask('where/file', query),
    whereDigest: (query) => ask('where/digest', query),
    whereAdvisory: (query) => ask('where/advisory', query),
    history: (query) => ask('history', query),
    changes: (query) => ask('fleet/changes', query),
    moved: (query) => ask('fleet/moved', query),
    explain: (query) => ask('explain', query),
    base: (image) => ask('base', { image }),
    layers: (image) => ask('layers', { image }),
    diff: (from, to) => ask('diff', { from, to }),
    workloads: () => ask('workloads'),
    sources: () => ask('sources'),
    events: (after) => ask('events', { after: String(after) }),
    followEvents: (after, signal) => follow(new URL('/api/v1/events', url), after, signal, key),
  };
}

export interface RemoteRequest {
  readonly accept: string;
  readonly key?: string | undefined;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: object | undefined;
}

/** One request of `/api/v1`. @throws HTTP_REMOTE_UNREACHABLE */
export async function request(target: URL, signal: AbortSignal, options: RemoteRequest): Promise<Response> {
  const { accept, key, method = 'GET', body } = options;
  try {
    return await fetch(target, {
      method,
      signal,
      redirect: 'error',
      headers: {
        accept,
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    throw httpError('HTTP_REMOTE_UNREACHABLE', `${target.origin}: ${messageOf(cause ?? error)}`, {
      cause: error,
      hint: 'Is heraklit serve running there?',
    });
  }
}

/** The JSON of an answer. @throws HTTP_REMOTE_INVALID, or the error the server answers with */
export async function answerOf(response: Response, target: URL): Promise<unknown> {
  const body = await limitedText(response, target);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw httpError('HTTP_REMOTE_INVALID', `${target} answers ${response.status} without JSON`, { cause: error });
  }
  if (response.ok) return parsed;
  const { error } = parsed as Partial<Problem>;
  if (typeof error?.code !== 'string') {
    throw httpError('HTTP_REMOTE_INVALID', `${target} answers ${response.status}`);
  }
  const { code, message, hint, retryable } = error;
  const kind = response.status < 500 ? 'usage' : 'failed';
  throw new HeraklitError(code, { kind, retryable, meaning: message }, message, hint === null ? {} : { hint });
}

async function limitedText(response: Response, target: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER) throw httpError('HTTP_REMOTE_INVALID', `${target} answers more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* follow(
  target: URL,
  after: number,
  signal: AbortSignal,
  key: string | undefined,
): AsyncGenerator<EventRecord, void> {
  for (let position = after; !signal.aborted; ) {
    target.searchParams.set('after', String(position));
    const response = await request(target, signal, { accept: 'text/event-stream', key });
    if (!response.ok || response.body === null) await answerOf(response, target);
    try {
      for await (const { data } of readServerSentEvents(response.body ?? new ReadableStream())) {
        const event = JSON.parse(data) as EventRecord;
        position = event.sequence;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof HeraklitError) throw error;
      // The connection broke: go on after the last event that arrived.
    }
  }
}
