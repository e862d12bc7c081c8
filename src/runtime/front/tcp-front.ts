import { connect, createServer, type Socket } from 'node:net';
import { type Backend, BackendPool, type Lease } from './backend-pool.ts';
import { type Counters, type Front, frontOver, type ListenAddress, listenOn } from './front.ts';

/** Milliseconds to a backend's SYN-ACK. */
const CONNECT_TIMEOUT = 5000;

/** Connects the client to one backend after the other until one answers; bytes of the client wait meanwhile. */
function hand(client: Socket, pool: BackendPool, counters: Counters, tried: ReadonlySet<string>): void {
  const lease = pool.take(tried);
  if (lease === undefined) {
    counters.failed += 1;
    client.destroy();
    return;
  }
  const upstream = connect({ host: lease.backend.host, port: lease.backend.port, allowHalfOpen: true });
  const refused = (): void => {
    lease.release();
    upstream.destroy();
    pool.suspect(lease.backend.id);
    counters.repeated += 1;
    hand(client, pool, counters, new Set([...tried, lease.backend.id]));
  };
  upstream.setTimeout(CONNECT_TIMEOUT, refused);
  upstream.once('error', refused);
  upstream.once('connect', () => {
    upstream.off('error', refused);
    upstream.setTimeout(0);
    splice(client, upstream, lease);
  });
}

function splice(client: Socket, upstream: Socket, lease: Lease): void {
  const cut = (): void => {
    client.destroy();
    upstream.destroy();
  };
  lease.onCut(cut);
  // A clean close leaves the other side alone: pipe has ended it, and it may still be flushing.
  upstream.once('close', (failed) => {
    lease.release();
    if (failed) client.destroy();
  });
  client.once('close', (failed) => {
    if (failed || !upstream.writableEnded) upstream.destroy();
  });
  upstream.on('error', cut);
  client.pipe(upstream).pipe(client);
}

/** A front for anything that is not HTTP: whole connections, so a drain lasts until the clients hang up. */
export async function createTcpFront(listen: ListenAddress, backends: readonly Backend[]): Promise<Front> {
  const pool = new BackendPool();
  for (const backend of backends) pool.add(backend);
  const counters = { accepted: 0, failed: 0, repeated: 0 };
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    counters.accepted += 1;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    hand(client, pool, counters, new Set());
  });
  const address = await listenOn(server, listen);
  const close = async (grace: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const timer = setTimeout(() => {
      for (const client of clients) client.destroy();
    }, grace);
    await closed;
    clearTimeout(timer);
  };
  return frontOver(pool, address, counters, close, () => {});
}
