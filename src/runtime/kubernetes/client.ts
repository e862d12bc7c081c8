import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/index.ts';
import { kubernetesError } from './errors.ts';

/** Bytes of one answer: a page of 500 pods is some megabytes. */
const ANSWER_LIMIT = 256 * 1024 * 1024;
const PAGE = 500;
/** Tries of one call that met throttling, a server error or a broken connection. */
const ATTEMPTS = 6;
/** Milliseconds; a server that asks for more is not waited for longer. */
const LONGEST_WAIT = 30_000;
const SILENCE = 30_000;
const WATCH_SILENCE = 150_000;

export interface KubernetesClientOptions {
  /** Path of a kubeconfig; else `KUBECONFIG`, the home's, or the service account inside a cluster. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface KubernetesAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface KubernetesCall {
  readonly method?: 'GET' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

/** What the Kubernetes API calls a Status. */
export interface StatusObject {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[];
  };
}

export interface KubernetesClient {
  readonly context: string;
  /** Any status but throttling is an answer. @throws KUBERNETES_UNAVAILABLE */
  call(call: KubernetesCall): Promise<KubernetesAnswer>;
  /** All items, page by page. @throws KUBERNETES_REFUSED */
  list<T>(path: string): Promise<readonly T[]>;
  /** The lines of a watch as objects; ends when the server ends it. @throws KUBERNETES_UNAVAILABLE */
  watch(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<WatchEvent>;
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

export function refused(call: KubernetesCall, answer: KubernetesAnswer): Error {
  const { message } = (answer.body ?? {}) as StatusObject;
  const text = `the API server refused ${call.method ?? 'GET'} ${call.path}: ${answer.status} ${message ?? ''}`.trim();
  return kubernetesError('KUBERNETES_REFUSED', text, {
    details: { status: answer.status },
    ...(answer.status === 403 ? { hint: 'Grant the permissions of deploy/kubernetes/rbac.yaml.' } : {}),
  });
}

async function collect(message: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > ANSWER_LIMIT) throw new Error(`the API server's answer is over ${ANSWER_LIMIT} bytes`);
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString();
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
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
    if (options.context !== undefined) config.setCurrentContext(options.context);
  } catch (cause) {
    const where = options.kubeconfig ?? 'the default places';
    throw kubernetesError('KUBERNETES_UNAVAILABLE', `cannot read the kubeconfig of ${where}: ${messageOf(cause)}`, {
      cause,
    });
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw kubernetesError('KUBERNETES_UNAVAILABLE', 'the kubeconfig names no cluster for its current context', {
      hint: 'Set KUBECONFIG, or name a context.',
    });
  }
  const base = new URL(server);
  const send = async (call: KubernetesCall): Promise<IncomingMessage> => {
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${call.path}`, base);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const request: RequestOptions = {
      method: call.method ?? 'GET',
      // A watch is silent between bookmarks, about a minute.
      timeout: call.query?.watch === undefined ? SILENCE : WATCH_SILENCE,
      headers: {
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': call.contentType ?? 'application/json', 'content-length': body.length }),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    await config.applyToHTTPSOptions(request);
    return await new Promise((resolve, reject) => {
      const sent = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, request, resolve);
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.once('error', reject);
      sent.end(body);
    });
  };

  const call = async (asked: KubernetesCall): Promise<KubernetesAnswer> => {
    for (let attempt = 1; ; attempt += 1) {
      let wait = 100 * 2 ** attempt * (1 + Math.random() / 2);
      try {
        const message = await send(asked);
        const status = message.statusCode ?? 0;
        const body = await collect(message);
        if ((status !== 429 && status < 500) || attempt >= ATTEMPTS) return { status, body };
        wait = retryAfter(message.headers['retry-after'], Date.now()) ?? wait;
      } catch (cause) {
        asked.signal?.throwIfAborted();
        // Every call we make can be repeated: reads, deletes of named pods, and server-side apply.
        if (attempt >= ATTEMPTS) {
          throw kubernetesError(
            'KUBERNETES_UNAVAILABLE',
            `the API server ${base.host} does not answer: ${messageOf(cause)}`,
            { cause },
          );
        }
      }
      await sleep(wait, undefined, asked.signal === undefined ? {} : { signal: asked.signal });
    }
  };

  return {
    context: config.getCurrentContext(),
    call,
    list: async <T>(path: string) => {
      const items: T[] = [];
      let next = '';
      for (;;) {
        const asked = { path, query: { limit: String(PAGE), ...(next === '' ? {} : { continue: next }) } };
        const answer = await call(asked);
        if (answer.status === 410 && next !== '') {
          // The pages we hold are too old to be continued: begin again.
          items.length = 0;
          next = '';
          continue;
        }
        if (answer.status !== 200) throw refused(asked, answer);
        const page = answer.body as { items?: T[]; metadata?: { continue?: string } };
        items.push(...(page.items ?? []));
        next = page.metadata?.continue ?? '';
        if (next === '') return items;
      }
    },
    watch: async function* (path, query, signal) {
      const asked = { path, query: { ...query, watch: 'true', allowWatchBookmarks: 'true' }, signal };
      try {
        const message = await send(asked);
        if (message.statusCode !== 200) {
          yield { type: 'ERROR', object: { code: message.statusCode, ...((await collect(message)) as object) } };
          return;
        }
        for await (const line of lines(message)) yield JSON.parse(line) as WatchEvent;
      } catch (cause) {
        signal.throwIfAborted();
        throw kubernetesError('KUBERNETES_UNAVAILABLE', `the watch on ${path} broke: ${messageOf(cause)}`, { cause });
      }
    },
  };
}
