import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Given out by this process and perhaps not yet bound by its container. */
const recent = new Set<number>();
const REMEMBERED = 1000;

/** A TCP port that is free on 127.0.0.1 now. Somebody may take it before its container does: then the start fails. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (recent.has(port)) continue;
    recent.add(port);
    if (recent.size > REMEMBERED) recent.delete(recent.values().next().value as number);
    return port;
  }
}
