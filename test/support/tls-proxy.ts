import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { createServer } from 'node:tls';
import type { Certificate } from './certificates.ts';

/** TLS with client certificates before a unix socket, as an engine that listens on TCP has it. */
export interface TlsProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** @param delay milliseconds that every piece of bytes needs, each way */
export async function startTlsProxy(
  socketPath: string,
  files: Certificate & { readonly ca: string },
  delay = 0,
): Promise<TlsProxy> {
  const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map((file) => readFile(file)));
  const open = new Set<Socket>();
  const slow = (): Transform =>
    new Transform({ transform: (part, _encoding, done) => void setTimeout(() => done(null, part), delay) });
  const server = createServer(
    { ca: ca as Buffer, cert: cert as Buffer, key: key as Buffer, requestCert: true, rejectUnauthorized: true },
    (client) => {
      const engine = connect(socketPath);
      open.add(client).add(engine);
      client.on('error', () => engine.destroy());
      engine.on('error', () => client.destroy());
      client.once('close', () => engine.destroy());
      client.pipe(slow()).pipe(engine).pipe(slow()).pipe(client);
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
