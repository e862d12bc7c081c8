import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import { messageOf } from '../../../base/index.ts';
import type { Authority } from './certificates.ts';
import type { Snapshot, SnapshotRequest } from './types.ts';

/** Connections of one build at a time. */
const MAX_CONNECTIONS = 512;

export interface SnapshotProxy {
  close(): Promise<void>;
}

/**
 * An HTTP proxy on a Unix socket that answers from a snapshot. Connections that clients encrypt end here, with
 * certificates of the build's own authority: what is inside is recorded and locked like everything else.
 * @param local answers what is asked of the proxy itself, below /v2/
 */
export async function startSnapshotProxy(
  path: string,
  snapshot: Snapshot,
  authority: Authority,
  local?: (message: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<SnapshotProxy> {
  const sockets = new Set<Socket>();
  const origins = new WeakMap<Socket, string>();
  const ending = new AbortController();
  const server = createServer((request, response) => {
    void respond(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' }).end(`${messageOf(error)}\n`);
      else response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (local !== undefined && message.url?.startsWith('/v2/') === true && !origins.has(message.socket)) {
      await local(message, response);
      return;
    }
    const request = read(message, origins.get(message.socket));
    if (request === undefined) {
      snapshot.note({
        what: `${message.method} ${String(message.url).slice(0, 200)}`,
        why: 'it is no request to a proxy',
      });
      response.writeHead(400, { 'content-type': 'text/plain' }).end('heraklit: no request to a proxy\n');
      return;
    }
    const answer = await snapshot.answer(request, ending.signal);
    if (answer.kind === 'refused') {
      response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.message);
      return;
    }
    response.writeHead(answer.status, {
      ...(answer.type === undefined ? {} : { 'content-type': answer.type }),
      ...(answer.location === undefined ? {} : { location: answer.location }),
      ...(answer.size === undefined ? {} : { 'content-length': answer.size }),
    });
    if (message.method === 'HEAD') {
      // Read all the same: what is not read is not recorded.
      for await (const _ of answer.body);
      response.end();
    } else await pipeline(Readable.from(answer.body, { objectMode: false }), response);
  }

  server.on('connect', (message: IncomingMessage, socket: Socket) => {
    const { host, port } = target(message.url ?? '');
    if (host === '') {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const secure = new TLSSocket(socket, { isServer: true, secureContext: authority.contextFor(host) });
    origins.set(secure, `https://${host.includes(':') ? `[${host}]` : host}${port === '443' ? '' : `:${port}`}`);
    let spoke = false;
    secure.once('secure', () => {
      spoke = true;
    });
    // Some clients say why before they hang up, others just do.
    let said = 'it hung up';
    secure.on('error', (error) => {
      said = messageOf(error);
    });
    secure.once('close', () => {
      const why = `its client did not believe the build’s certificate (${said})`;
      if (!spoke) snapshot.note({ what: `https://${host}:${port}`, why });
    });
    server.emit('connection', secure);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    close: async () => {
      ending.abort();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function target(authority: string): { readonly host: string; readonly port: string } {
  const [, host = '', port = '443'] = /^\[?([0-9a-z._:-]+?)\]?(?::([0-9]{1,5}))?$/i.exec(authority) ?? [];
  return { host: host.toLowerCase(), port };
}

function read(message: IncomingMessage, origin: string | undefined): SnapshotRequest | undefined {
  const text = message.url ?? '';
  const href = origin === undefined ? text : `${origin}${text}`;
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined;
  const url = new URL(href);
  return {
    method: message.method ?? 'GET',
    url,
    accept: message.headers.accept,
    authorization: message.headers.authorization,
    agent: String(message.headers['user-agent'] ?? '').slice(0, 300),
  };
}
