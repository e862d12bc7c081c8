import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

export interface ProxyFault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which requests, by path and query; all when undefined. */
  readonly only?: RegExp;
  /** True: the fault is the first event of a watch that was taken (200), as API servers tell expiry. */
  readonly asEvent?: boolean;
}

/** Stands before an API server, real or our peer, and spoils what passes. */
export interface ApiProxy {
  readonly kubeconfig: string;
  /** Requests taken so far: method, path and query. */
  readonly requests: readonly string[];
  /** The next so many requests that fit are answered so. */
  fail(fault: ProxyFault, times: number): void;
  /** All requests that fit, until it is called with undefined. */
  refuse(fault: ProxyFault | undefined): void;
  /** Watches end in the middle of an event. */
  cut(): void;
  /** Connections are refused, those there are broken. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Objects on a page, whatever the client asks for. */
  page(limit: number | undefined): void;
  close(): Promise<void>;
}

export async function startApiProxy(kubeconfig: string): Promise<ApiProxy> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const target = new URL(config.getCurrentCluster()?.server ?? '');
  const requests: string[] = [];
  const faults: { readonly fault: ProxyFault; left: number }[] = [];
  const watches = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let standing: ProxyFault | undefined;
  let limit: number | undefined;

  const fits = ({ only }: ProxyFault, url: string): boolean => only === undefined || only.test(url);
  const faultOf = (url: string): ProxyFault | undefined => {
    if (standing !== undefined && fits(standing, url)) return standing;
    const found = faults.find(({ fault, left }) => left > 0 && fits(fault, url));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  };
  const spoil = (response: ServerResponse, { status, headers = {}, asEvent }: ProxyFault): void => {
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message: 'spoilt by the test' };
    response.writeHead(asEvent === true ? 200 : status, { 'content-type': 'application/json', ...headers });
    response.end(`${JSON.stringify(asEvent === true ? { type: 'ERROR', object: body } : body)}\n`);
  };
  const forward = async (incoming: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const { host: _, connection: __, authorization: ___, ...headers } = incoming.headers;
    const options: RequestOptions = { method: incoming.method, headers: { ...headers } };
    await config.applyToHTTPSOptions(options);
    if (response.destroyed) return;
    const sent = (target.protocol === 'http:' ? httpRequest : httpsRequest)(url, options, (answer) => {
      const { connection: ____, ...passed } = answer.headers;
      if (response.destroyed || response.headersSent) return void answer.destroy();
      response.writeHead(answer.statusCode ?? 502, passed);
      response.flushHeaders();
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    sent.once('error', () => response.destroy());
    response.once('close', () => sent.destroy());
    incoming.pipe(sent);
  };
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', target);
    requests.push(`${incoming.method} ${url.pathname}${url.search}`);
    const fault = faultOf(`${url.pathname}${url.search}`);
    if (fault !== undefined) return spoil(response, fault);
    if (limit !== undefined && url.searchParams.has('limit')) url.searchParams.set('limit', String(limit));
    if (url.searchParams.get('watch') === 'true') {
      watches.add(response);
      response.once('close', () => watches.delete(response));
    }
    forward(incoming, response, url).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-api-proxy-'));
  const own = join(directory, 'config');
  const document = {
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'tester', user: { token: 'not-a-secret' } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'tester' } }],
    'current-context': 'proxy',
  };
  await writeFile(own, JSON.stringify(document));
  const down = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    kubeconfig: own,
    requests,
    fail: (fault, times) => void faults.push({ fault, left: times }),
    refuse: (fault) => {
      standing = fault;
    },
    cut: () => {
      // One whose answer has not come yet has nothing to be cut off from.
      for (const watch of [...watches]) if (!watch.headersSent) watch.destroy();
      for (const watch of [...watches]) watch.write('{"type":"MODIFIED","obj', () => watch.destroy());
    },
    down,
    up: async () => {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    page: (count) => {
      limit = count;
    },
    close: async () => {
      if (server.listening) await down();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
