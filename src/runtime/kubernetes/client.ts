import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../../base/index.ts';
import type { KubernetesAnswer, KubernetesCall } from './answers.ts';
import { type Connection, type ConnectionOptions, openConnection } from './connection.ts';
import { kubernetesError } from './errors.ts';
import { type Listed, type ListOptions, listPages, metadataAs } from './pages.ts';

/** Bytes of one answer: a page of 500 pods is some megabytes. */
const ANSWER_LIMIT = 256 * 1024 * 1024;
/** Tries of one call that met throttling, a server error or a broken connection. */
const ATTEMPTS = 6;
/** Milliseconds; a server that asks for more is not waited for longer. */
const LONGEST_WAIT = 30_000;
const SILENCE = 30_000;
const WATCH_SILENCE = 150_000;

export type KubernetesClientOptions = ConnectionOptions;

export { type KubernetesAnswer, type KubernetesCall, refused, type StatusObject } from './answers.ts';

export interface KubernetesClient {
  readonly context: string;
  /** Any status but throttling is an answer. @throws KUBERNETES_UNAVAILABLE */
  call(call: KubernetesCall): Promise<KubernetesAnswer>;
  /** All items, page by page; none of a resource that the server does not serve. @throws KUBERNETES_REFUSED */
  list<T>(path: string): Promise<readonly T[]>;
  /** The same, with where to go on; each page goes through `take` before the next is asked for. */
  listAt<T, Kept>(path: string, take: (item: T) => Kept, options?: ListOptions): Promise<Listed<Kept>>;
  /** The lines of a watch as objects; ends when the server ends it. @throws KUBERNETES_UNAVAILABLE */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    options?: WatchOptions,
  ): AsyncGenerator<WatchEvent>;
  /** What client-node opens WebSockets with. */
  sockets(): KubeConfig;
  /** Lets go of idle connections. */
  close(): void;
}

export interface WatchOptions {
  readonly metadataOnly?: boolean;
  /** Called when the server has taken the watch. */
  readonly opened?: () => void;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

/** Seconds or a date (RFC 9110 section 10.2.3) → milliseconds from now. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const at = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, 0), LONGEST_WAIT);
}

async function collect(message: IncomingMessage, raw = false): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ANSWER_LIMIT) throw new Error(`the API server's answer is over ${ANSWER_LIMIT} bytes`);
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString();
  if (raw) return text;
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 300) };
  }
}

async function* lines(message: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of message.setEncoding('utf8') as AsyncIterable<string>) {
    const whole = (rest + part).split('\n');
    rest = whole.pop() ?? '';
    if (rest.length > ANSWER_LIMIT) throw new Error('a watch event is too long');
    yield* whole.filter((line) => line !== '');
  }
}

/** kubeconfig, exec plug-ins, client certificates and service accounts are client-node's; requests are plain HTTP. */
export async function createKubernetesClient(options: KubernetesClientOptions): Promise<KubernetesClient> {
  let connection = await openConnection(options);
  /** Credentials that were refused are read anew: a token's file, an exec plug-in, a kubeconfig that was written again. */
  const reconnect = async (refusedOne: Connection): Promise<Connection> => {
    if (connection === refusedOne) {
      connection = await openConnection(options);
      refusedOne.close();
    }
    return connection;
  };

  const send = async (through: Connection, call: KubernetesCall): Promise<IncomingMessage> => {
    const { base } = through;
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${call.path}`, base);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request: RequestOptions = {
      method: call.method ?? 'GET',
      // A watch is silent between bookmarks, about a minute.
      timeout: call.query?.watch === undefined ? SILENCE : WATCH_SILENCE,
      headers: {
        accept: call.accept ?? 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': call.contentType ?? 'application/json', 'content-length': body.length }),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    await through.authorize(request);
    return await new Promise((resolve, reject) => {
      const sent = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, request, resolve);
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.once('error', reject);
      sent.end(body);
    });
  };

  /** Once more with credentials read anew where the first were refused. */
  const sendAuthorized = async (call: KubernetesCall): Promise<IncomingMessage> => {
    const through = connection;
    const message = await send(through, call);
    if (message.statusCode !== 401) return message;
    message.resume();
    return await send(await reconnect(through), call);
  };

  const call = async (asked: KubernetesCall): Promise<KubernetesAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      let wait = 100 * 2 ** attempt * (1 + Math.random() / 2);
      try {
        const message = await sendAuthorized(asked);
        const status = message.statusCode ?? 0;
        const body = await collect(message, asked.raw === true && status === 200);
        if ((status !== 429 && status < 500) || attempt >= ATTEMPTS) return { status, body };
        wait = retryAfter(message.headers['retry-after'], Date.now()) ?? wait;
      } catch (cause) {
        asked.signal?.throwIfAborted();
        // Every call we make can be repeated: reads, deletes of named pods, and server-side apply.
        if (attempt >= ATTEMPTS) {
          throw kubernetesError(
            'KUBERNETES_UNAVAILABLE',
            `the API server ${connection.base.host} does not answer: ${messageOf(cause)}`,
            { cause },
          );
        }
      }
      await sleep(wait, undefined, asked.signal === undefined ? {} : { signal: asked.signal });
    }
  };

  return {
    context: connection.context,
    call,
    listAt: (path, take, options) => listPages(call, path, take, options),
    list: async <T>(path: string) => (await listPages(call, path, (item: T) => item)).items,
    watch: async function* (path, query, signal, { metadataOnly, opened } = {}) {
      const accept = metadataOnly === true ? { accept: metadataAs('PartialObjectMetadata') } : {};
      const asked = { path, query: { ...query, watch: 'true', allowWatchBookmarks: 'true' }, signal, ...accept };
      try {
        const message = await sendAuthorized(asked);
        if (message.statusCode !== 200) {
          const after = retryAfter(message.headers['retry-after'], Date.now());
          const wait = after === undefined ? {} : { retryAfter: after };
          yield {
            type: 'ERROR',
            object: { code: message.statusCode, ...((await collect(message)) as object), ...wait },
          };
          return;
        }
        opened?.();
        for await (const line of lines(message)) yield JSON.parse(line) as WatchEvent;
      } catch (cause) {
        signal.throwIfAborted();
        throw kubernetesError('KUBERNETES_UNAVAILABLE', `the watch on ${path} broke: ${messageOf(cause)}`, { cause });
      }
    },
    sockets: () => connection.sockets,
    close: () => connection.close(),
  };
}
