import { type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { createInterface } from 'node:readline';
import { KubeConfig } from '@kubernetes/client-node';

export interface ApiObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  // biome-ignore lint/suspicious/noExplicitAny: objects of any kind, read by tests
  readonly [name: string]: any;
}

export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly body: any;
}

/** Plain calls to a real API server, apart from the code under test. */
export interface RealApi {
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** Events of a watch until it ends. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<{ readonly type: string; readonly object: ApiObject }>;
  close(): void;
}

export async function openApi(kubeconfig: string, context?: string): Promise<RealApi> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server ?? '';
  const isPlain = server.startsWith('http:');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 64,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert, key: options.key }),
  });
  const send = (method: string, path: string, body?: unknown, contentType = 'application/json', signal?: AbortSignal) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const sent = (isPlain ? plainRequest : request)(
        new URL(path, server),
        {
          method,
          ...(isPlain ? {} : { agent }),
          headers: {
            ...options.headers,
            accept: 'application/json',
            'content-type': contentType,
            // A DELETE with a body is not framed otherwise.
            ...(bytes === undefined ? {} : { 'content-length': bytes.length }),
          },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      sent.once('error', reject);
      sent.end(bytes);
    });
  return {
    async call(method, path, body, contentType) {
      const message = await send(method, path, body, contentType);
      let text = '';
      for await (const part of message.setEncoding('utf8')) text += part;
      try {
        return { status: message.statusCode ?? 0, body: JSON.parse(text) };
      } catch {
        return { status: message.statusCode ?? 0, body: text };
      }
    },
    async *watch(path, signal) {
      const message = await send('GET', path, undefined, undefined, signal);
      for await (const line of createInterface({ input: message })) yield JSON.parse(line);
    },
    close: () => agent.destroy(),
  };
}
