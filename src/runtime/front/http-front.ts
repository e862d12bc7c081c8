import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Backend, BackendPool, type Lease } from './backend-pool.ts';
import { type Counters, type Front, frontOver, type ListenAddress, listenOn } from './front.ts';
import { endToEndHeaders, forwardedHeaders, hasBody, repeatable } from './headers.ts';
import { passUpgrade } from './upgrade.ts';

/** Backends tried for one request. */
const ATTEMPTS = 3;
/** Milliseconds a request waits for a first backend (engine restarting) before 503. */
const QUEUE_WAIT = 5000;
/** Requests waiting at once; the next one is answered 503 at once. */
const QUEUE_LENGTH = 1000;
/** Idle client connections live longer than those of common clients, so that the client closes first. */
const CLIENT_KEEP_ALIVE = 75_000;

interface HttpFrontState {
  readonly pool: BackendPool;
  readonly counters: Counters;
  /** Kept connections, one agent a backend. Used only for requests that may be repeated: see `send`. */
  readonly agents: Map<string, Agent>;
  waiting: number;
}

function refuse(state: HttpFrontState, response: ServerResponse, status: 502 | 503): void {
  state.counters.failed += 1;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = status === 503 ? 'no copy of this workload is ready\n' : 'no copy of this workload answered\n';
  response.writeHead(status, { 'content-type': 'text/plain', 'retry-after': '1' });
  response.end(text);
}

/** `abandoned`: the client left. */
type Attempt = 'answered' | 'repeat' | 'failed' | 'abandoned';

function answer(upstream: IncomingMessage, response: ServerResponse, done: (result: Attempt) => void): void {
  if (upstream.headers.date !== undefined) response.sendDate = false;
  response.writeHead(upstream.statusCode ?? 502, upstream.statusMessage, endToEndHeaders(upstream.rawHeaders));
  // Event streams send headers long before the first byte of content; mostly both are here and go out together.
  setImmediate(() => {
    if (!response.destroyed && !response.writableEnded) response.flushHeaders();
  });
  upstream.once('error', () => {
    // Half an answer must look like one: cut the client's connection rather than end it.
    response.destroy();
    done('failed');
  });
  upstream.once('end', () => {
    if (Object.keys(upstream.trailers).length > 0) response.addTrailers(upstream.trailers as Record<string, string>);
  });
  upstream.pipe(response);
  response.once('close', () => {
    if (!response.writableFinished) upstream.destroy();
    done('answered');
  });
}

/** One try on one backend. A request that must not run twice gets a connection of its own, so that "refused" is certain. */
async function send(
  state: HttpFrontState,
  lease: Lease,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Attempt> {
  const body = hasBody(incoming.headers);
  const safe = repeatable({ method: incoming.method ?? 'GET', hasBody: body });
  const { id, host, port } = lease.backend;
  const agent = state.agents.get(id) ?? new Agent({ keepAlive: true, maxFreeSockets: 256 });
  state.agents.set(id, agent);
  return await new Promise<Attempt>((resolve) => {
    let connected = false;
    let answered = false;
    const upstream = request({
      host,
      port,
      method: incoming.method,
      path: incoming.url,
      setHost: false,
      headers: forwardedHeaders(
        endToEndHeaders(incoming.rawHeaders),
        incoming.socket.remoteAddress ?? 'unknown',
        incoming.headers.host,
      ),
      agent: safe ? agent : false,
    });
    lease.onCut(() => {
      upstream.destroy();
      response.destroy();
    });
    response.once('close', () => {
      if (!answered) upstream.destroy();
    });
    upstream.once('socket', (socket) => {
      const start = (): void => {
        connected = true;
        if (body) incoming.pipe(upstream);
        else upstream.end();
      };
      if (socket.connecting) socket.once('connect', start);
      else start();
    });
    upstream.once('response', (message) => {
      answered = true;
      answer(message, response, resolve);
    });
    upstream.on('error', () => {
      if (answered) return;
      incoming.unpipe(upstream);
      if (response.destroyed) resolve('abandoned');
      else resolve(safe || !connected ? 'repeat' : 'failed');
    });
  });
}

async function takeOrWait(state: HttpFrontState, tried: ReadonlySet<string>): Promise<Lease | undefined> {
  const lease = state.pool.take(tried) ?? state.pool.take();
  if (lease !== undefined || state.waiting >= QUEUE_LENGTH) return lease;
  state.waiting += 1;
  try {
    return (await state.pool.waitForOne(QUEUE_WAIT)) ? state.pool.take() : undefined;
  } finally {
    state.waiting -= 1;
  }
}

async function serve(state: HttpFrontState, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  state.counters.accepted += 1;
  const tried = new Set<string>();
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const lease = await takeOrWait(state, tried);
    if (lease === undefined) {
      refuse(state, response, 503);
      return;
    }
    const result = await send(state, lease, incoming, response).finally(() => lease.release());
    if (result === 'answered' || result === 'abandoned') return;
    if (result === 'failed') break;
    state.pool.suspect(lease.backend.id);
    state.counters.repeated += 1;
    tried.add(lease.backend.id);
  }
  refuse(state, response, 502);
}

/**
 * A reverse proxy for one workload: requests, not connections, are balanced, so a client's keep-alive connection
 * survives every change of backends (docs/decisions/0020-rollout-front.md).
 * @throws FRONT_LISTEN_FAILED
 */
export async function createHttpFront(listen: ListenAddress, backends: readonly Backend[]): Promise<Front> {
  const pool = new BackendPool();
  for (const backend of backends) pool.add(backend);
  const state: HttpFrontState = {
    pool,
    counters: { accepted: 0, failed: 0, repeated: 0 },
    agents: new Map(),
    waiting: 0,
  };
  const upgraded = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: CLIENT_KEEP_ALIVE, requestTimeout: 0, noDelay: true });
  server.on('request', (incoming, response) => {
    response.on('error', () => response.destroy());
    serve(state, incoming, response).catch(() => refuse(state, response, 502));
  });
  server.on('upgrade', (incoming, socket: Socket, head) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    passUpgrade(pool, state.counters, incoming, socket, head);
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  const address = await listenOn(server, listen);
  const dropAgent = (id: string): void => {
    state.agents.get(id)?.destroy();
    state.agents.delete(id);
  };
  const close = async (grace: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => {
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
    }, grace);
    await closed;
    clearTimeout(timer);
    for (const id of [...state.agents.keys()]) dropAgent(id);
  };
  return frontOver(pool, address, state.counters, close, dropAgent);
}
