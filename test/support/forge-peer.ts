import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Forge, ForgeKind } from '../../src/forge/index.ts';

export interface PeerRequest {
  readonly number: number;
  readonly head: string;
  title: string;
  body: string;
  state: 'open' | 'closed' | 'merged';
}

/** A forge that keeps pull requests, in the shapes of each one's public API documentation. */
export async function forgePeer(context: TestContext, kind: ForgeKind, url: string) {
  const requests: PeerRequest[] = [];
  const calls: string[] = [];
  const shape = (one: PeerRequest): object =>
    kind === 'gitlab'
      ? {
          iid: one.number,
          web_url: `http://f/${one.number}`,
          state: one.state === 'open' ? 'opened' : one.state,
          title: one.title,
          description: one.body,
          source_branch: one.head,
        }
      : {
          number: one.number,
          html_url: `http://f/${one.number}`,
          state: one.state === 'open' ? 'open' : 'closed',
          title: one.title,
          body: one.body,
          head: { ref: one.head },
          merged_at: one.state === 'merged' ? '2026-01-01T00:00:00Z' : null,
        };
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => {
      calls.push(`${request.method} ${request.url?.split('?')[0]}`);
      const body = JSON.parse(text || '{}');
      const number = Number(/\/(\d+)$/.exec(request.url?.split('?')[0] ?? '')?.[1] ?? 0);
      let answer: unknown = requests.map(shape);
      if (request.method === 'POST') {
        const made: PeerRequest = {
          number: requests.length + 1,
          head: body.head ?? body.source_branch,
          title: body.title,
          body: body.body ?? body.description,
          state: 'open',
        };
        requests.push(made);
        answer = shape(made);
      } else if (number > 0) {
        const one = requests.find((known) => known.number === number);
        if (one !== undefined) Object.assign(one, { title: body.title, body: body.body ?? body.description });
        answer = {};
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const forge: Forge = {
    kind,
    url,
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: async () => 't',
  };
  return { forge, requests, calls };
}
