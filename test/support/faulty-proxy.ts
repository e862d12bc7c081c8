import { createServer, type IncomingMessage, request as send } from 'node:http';

/** `refuse` answers 503, `silence` never answers, `cut` breaks the connection in the middle of the body. */
export type Fault = 'refuse' | 'silence' | 'cut';

export interface FaultyProxy {
  readonly endpoint: string;
  /** Asked for every request. */
  fault: (request: IncomingMessage) => Fault | undefined;
  stop(): void;
}

/** Passes HTTP on to `target`, headers unchanged (they are signed), with faults where told. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const fault = proxy.fault(incoming);
    if (fault === 'silence') return void incoming.resume();
    if (fault === 'refuse') {
      incoming.resume();
      return void outgoing.writeHead(503, { 'content-length': 0 }).end();
    }
    const { method, url, headers } = incoming;
    const forward = send({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (fault === 'cut') {
        answer.once('data', (chunk: Buffer) => outgoing.write(chunk, () => setTimeout(() => outgoing.destroy(), 20)));
        return;
      }
      answer.pipe(outgoing);
    });
    // After an answer it is of no account: Swift sends a last chunk after answers to HEAD, which have none.
    forward.on('error', () => {
      if (!outgoing.headersSent) outgoing.destroy();
    });
    incoming.pipe(forward);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    fault: () => undefined,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
