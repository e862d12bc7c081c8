/** The program in the containers: CommonJS text, run by the pinned Node that is mounted into them. */
export function programOf(version: string, health: 'good' | 'fails'): string {
  return `
const { createServer } = require('node:http');
const { createHash } = require('node:crypto');
const sockets = new Set();
const server = createServer((incoming, response) => {
  const url = new URL(incoming.url, 'http://x');
  if (url.pathname === '/health') {
    response.statusCode = ${health === 'good' ? 200 : 500};
    return response.end(${JSON.stringify(version)});
  }
  if (url.pathname === '/slow') {
    // Ten pieces over two seconds: in flight while its container is replaced.
    let left = 10;
    const timer = setInterval(() => {
      response.write('.'.repeat(100));
      left -= 1;
      if (left === 0) { clearInterval(timer); response.end(); }
    }, 200);
    return;
  }
  if (incoming.method === 'POST') return incoming.pipe(response);
  response.end(${JSON.stringify(version)});
});
server.on('upgrade', (incoming, socket) => {
  const key = incoming.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (frame) => {
    const kind = frame[0] & 15;
    if (kind === 8) return socket.end();
    if (kind === 1) socket.write(Buffer.from([0x81, ${version.length}, ...Buffer.from(${JSON.stringify(version)})]));
  });
});
process.on('SIGTERM', () => {
  // 1001, going away: what a well-behaved server says to its WebSockets when it is told to stop.
  for (const socket of sockets) socket.write(Buffer.from([0x88, 2, 0x03, 0xe9]));
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(Number(process.env.PORT), '127.0.0.1');
`;
}
