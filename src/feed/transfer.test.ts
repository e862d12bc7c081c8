import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { mirrorUrl, openTransfer, type TransferOptions } from './transfer.ts';

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function read(url: string, options?: TransferOptions): Promise<string> {
  const transfer = await openTransfer(url, options);
  if (transfer.kind === 'unchanged') return 'unchanged';
  const chunks: Uint8Array[] = [];
  for await (const chunk of transfer.chunks) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const isUnreachable = (error: unknown): boolean => isHeraklitError(error, 'FEED_UNREACHABLE') && error.retryable;

test('a mirror that falls silent, before or in the middle of an answer', async (context) => {
  const host = await serve(context, (request, response) => {
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
    }
  });
  for (const path of ['none', 'half']) {
    await assert.rejects(read(`http://${host}/${path}`, { stallTimeout: 100 }), isUnreachable);
  }
});

test('credentials of a mirror go into a header and never into a message', async (context) => {
  const seen: (string | undefined)[] = [];
  const host = await serve(context, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(request.url === '/ok' ? 200 : 500).end('ok');
  });
  assert.equal(await read(`http://me:s%40cret@${host}/ok`), 'ok');
  assert.deepEqual(seen, [`Basic ${Buffer.from('me:s@cret').toString('base64')}`]);
  await assert.rejects(
    read(`http://me:s3cret@${host}/x`),
    (error) => isUnreachable(error) && !/s3cret/.test(String(error)),
  );
});

test('a range that the mirror ignores starts again at 0', async (context) => {
  const host = await serve(context, (_request, response) => response.end('whole'));
  const transfer = await openTransfer(`http://${host}/x`, { from: 3 });
  assert.equal(transfer.kind === 'content' && transfer.start, 0);
});

test('an abort is the reason given, not an error of the mirror', async () => {
  const reason = new Error('enough');
  await assert.rejects(openTransfer('http://127.0.0.1:1/', { signal: AbortSignal.abort(reason) }), reason);
});

test('names cannot leave their folder or become a query', () => {
  assert.equal(
    mirrorUrl('http://h/debian', 'pool/a+b/x_1:2~3?y#z%2f .deb'),
    'http://h/debian/pool/a+b/x_1:2~3%3Fy%23z%252f%20.deb',
  );
});
