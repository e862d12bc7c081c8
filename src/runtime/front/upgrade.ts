import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import type { BackendPool } from './backend-pool.ts';
import type { Counters } from './front.ts';
import { endToEndHeaders, forwardedHeaders } from './headers.ts';

function headLines(message: IncomingMessage, extra: readonly string[]): string {
  const headers = [...endToEndHeaders(message.rawHeaders), ...extra];
  let text = `HTTP/1.1 ${message.statusCode} ${message.statusMessage}\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}\r\n`;
}

function refuse(client: Socket, counters: Counters): void {
  counters.failed += 1;
  if (client.writable) client.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else client.destroy();
}

/**
 * Upgraded connections (WebSocket): bytes are passed both ways. A drain does not wait for them: their program ends them
 * when it is told to stop, with a word of its own (a close frame), and its end is passed on.
 */
export function passUpgrade(
  pool: BackendPool,
  counters: Counters,
  incoming: IncomingMessage,
  client: Socket,
  head: Buffer,
): void {
  counters.accepted += 1;
  client.on('error', () => client.destroy());
  const lease = pool.take();
  if (lease === undefined) {
    refuse(client, counters);
    return;
  }
  const protocol = incoming.headers.upgrade ?? '';
  const upstream = request({
    host: lease.backend.host,
    port: lease.backend.port,
    method: incoming.method,
    path: incoming.url,
    setHost: false,
    agent: false,
    headers: [
      ...forwardedHeaders(
        endToEndHeaders(incoming.rawHeaders),
        client.remoteAddress ?? 'unknown',
        incoming.headers.host,
      ),
      ...['Connection', 'Upgrade', 'Upgrade', protocol],
    ],
  });
  lease.onCut(() => client.destroy());
  client.once('close', () => {
    lease.release();
    upstream.destroy();
  });
  upstream.once('error', () => refuse(client, counters));
  upstream.once('response', (message) => {
    client.write(headLines(message, ['Connection', 'close']));
    message.once('error', () => client.destroy());
    message.pipe(client);
  });
  upstream.once('upgrade', (message, socket, upstreamHead) => {
    lease.upgrade();
    client.write(headLines(message, ['Connection', 'Upgrade', 'Upgrade', message.headers.upgrade ?? protocol]));
    if (upstreamHead.length > 0) client.write(upstreamHead);
    if (head.length > 0) socket.write(head);
    socket.on('error', () => client.destroy());
    socket.once('close', () => client.end());
    client.once('close', () => socket.destroy());
    socket.pipe(client).pipe(socket);
  });
  upstream.end();
}
