import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import { createFront, type Front, type FrontOptions } from './index.ts';

const LISTEN = { host: '127.0.0.1', port: 0 };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function backend(id: string, listener?: RequestListener) {
  const server: Server = createServer(listener ?? ((_incoming, response) => response.end(id)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  closing.push(stop);
  return { id, host: '127.0.0.1', port: (server.address() as AddressInfo).port, server, stop };
}

async function front(options: Partial<FrontOptions> = {}): Promise<Front> {
  const made = await createFront({ listen: LISTEN, ...options });
  closing.push(async () => await made.close(0));
  return made;
}

const url = (of: Front): string => `http://127.0.0.1:${of.address.port}/`;

async function read(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of message) text += part;
  return text;
}

async function ask(of: Front, agent?: Agent): Promise<string> {
  const [message] = (await once(get(url(of), agent === undefined ? {} : { agent }), 'response')) as [IncomingMessage];
  return await read(message);
}

test('a kept client connection moves from a drained backend to the new one', async () => {
  const a = await backend('a');
  const b = await backend('b');
  const made = await front({ backends: [a] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal(await ask(made, agent), 'a');
  made.add(b);
  assert.equal(await made.drain('a', 1000), 0);
  await a.stop();
  for (let i = 0; i < 20; i += 1) assert.equal(await ask(made, agent), 'b');
  agent.destroy();
  assert.deepEqual(made.statistics(), { accepted: 21, failed: 0, repeated: 0 });
});

test('a drain waits for the answer in flight, and cuts it only after its grace', async () => {
  let finish = (): void => {};
  const a = await backend('a', (_incoming, response) => {
    response.write('first ');
    finish = () => response.end('last');
  });
  const made = await front({ backends: [a] });
  const [message] = (await once(get(url(made)), 'response')) as [IncomingMessage];
  const drained = made.drain('a', 60_000);
  assert.equal(made.backends()[0]?.state, 'draining');
  finish();
  assert.equal(await read(message), 'first last');
  assert.equal(await drained, 0);
  made.add(a);
  const [second] = (await once(get(url(made)), 'response')) as [IncomingMessage];
  const broken = read(second);
  assert.equal(await made.drain('a', 10), 1);
  await assert.rejects(broken, /aborted/);
});

test('a backend made ready again while it drains stays', async () => {
  let finish = (): void => {};
  const a = await backend('a', (_incoming, response) => {
    finish = () => response.end('done');
    response.flushHeaders();
  });
  const made = await front({ backends: [a] });
  const [message] = (await once(get(url(made)), 'response')) as [IncomingMessage];
  const drained = made.drain('a', 60_000);
  made.add(a);
  finish();
  await read(message);
  await drained;
  assert.deepEqual(
    made.backends().map(({ id, state }) => [id, state]),
    [['a', 'ready']],
  );
});

test('a refused connection goes to another backend, whatever the method; the body is sent once', async () => {
  const gone = await backend('gone');
  await gone.stop();
  const bodies: string[] = [];
  const b = await backend('b', async (incoming, response) => {
    bodies.push(await read(incoming));
    response.end('b');
  });
  const made = await front({ backends: [gone, b] });
  for (let i = 0; i < 4; i += 1) {
    const answer = await fetch(url(made), { method: 'POST', body: `order ${i}` });
    assert.equal(await answer.text(), 'b');
  }
  assert.deepEqual(bodies, ['order 0', 'order 1', 'order 2', 'order 3']);
  assert.equal(made.statistics().failed, 0);
});

test('a connection dropped after the request was sent: GET is repeated, POST is not', async () => {
  let dropped = 0;
  const dropping = await backend('dropping', (incoming) => {
    dropped += 1;
    incoming.socket.destroy();
  });
  const b = await backend('b');
  const made = await front({ backends: [dropping] });
  const answer = await fetch(url(made), { method: 'POST', body: 'pay' });
  assert.equal(answer.status, 502);
  assert.equal(dropped, 1);
  made.add(b);
  for (let i = 0; i < 4; i += 1) assert.equal(await ask(made), 'b');
});

test('without a backend a request waits for the first one', async () => {
  const made = await front();
  const answer = ask(made);
  await sleep(20);
  made.add(await backend('late'));
  assert.equal(await answer, 'late');
});

test('a side gets exactly its share of any hundred requests, and a side without a backend none', async () => {
  const made = await front({ backends: [await backend('old'), await backend('old too')] });
  const asked = async (): Promise<number> => {
    let count = 0;
    for (let i = 0; i < 100; i += 1) if ((await ask(made)) === 'new') count += 1;
    return count;
  };
  made.split({ ids: new Set(['new']), weight: 15 });
  assert.equal(await asked(), 0);
  made.add(await backend('new'));
  assert.equal(await asked(), 15);
  made.split({ ids: new Set(['new']), weight: 100 });
  assert.equal(await asked(), 100);
  await made.drain('new', 1000);
  assert.equal(await asked(), 0);
  assert.equal(made.statistics().failed, 0);
});

test('hop-by-hop headers stay on their connection, repeated and forwarded ones pass, trailers too', async () => {
  let seen: IncomingMessage | undefined;
  const a = await backend('a', (incoming, response) => {
    seen = incoming;
    response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Keep-Alive', 'timeout=9', 'Trailer', 'X-Sum']);
    response.addTrailers({ 'X-Sum': '42' });
    response.end('x');
  });
  const made = await front({ backends: [a] });
  const sent = request(url(made), {
    headers: { connection: 'close, X-Secret', 'x-secret': '1', te: 'trailers', 'x-forwarded-for': '192.0.2.1' },
  });
  sent.end();
  const [message] = (await once(sent, 'response')) as [IncomingMessage];
  await read(message);
  assert.equal(seen?.headers['x-secret'], undefined);
  assert.equal(seen?.headers.te, undefined);
  assert.equal(seen?.headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
  assert.equal(seen?.headers.host, `127.0.0.1:${made.address.port}`);
  assert.deepEqual(message.headers['set-cookie'], ['a=1', 'b=2']);
  assert.deepEqual(message.trailers, { 'x-sum': '42' });
});

test('an upgraded connection is passed both ways, outlives the drain and ends when its program ends it', async () => {
  const a = await backend('a');
  let end = (): void => {};
  a.server.on('upgrade', (_incoming, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
    end = () => socket.end('goodbye');
  });
  const made = await front({ backends: [a] });
  const sent = request(url(made), { headers: { connection: 'Upgrade', upgrade: 'echo' } });
  sent.end();
  const [message, socket] = await once(sent, 'upgrade');
  assert.equal(message.headers.upgrade, 'echo');
  socket.write('hello');
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  assert.equal(await made.drain('a', 60_000), 0);
  assert.deepEqual(made.backends(), []);
  socket.write('still here');
  assert.equal(String((await once(socket, 'data'))[0]), 'still here');
  const said = once(socket, 'data');
  const closed = once(socket, 'close');
  end();
  assert.equal(String((await said)[0]), 'goodbye');
  await closed;
});

test('requests that a client sends without waiting for answers are answered in order, from any backend', async () => {
  const slow = await backend('slow', (incoming, response) => {
    setTimeout(() => response.end(incoming.url), incoming.url === '/1' ? 50 : 0);
  });
  const fast = await backend('fast', (incoming, response) => response.end(incoming.url));
  const made = await front({ backends: [slow, fast] });
  const client = connect(made.address.port, '127.0.0.1');
  const paths = ['/1', '/2', '/3', '/4'];
  client.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  let text = '';
  for await (const part of client) {
    text += part;
    if (text.endsWith('/4')) break;
  }
  assert.deepEqual(
    [...text.matchAll(/\r\n\r\n(\/\d)/g)].map(([, path]) => path),
    paths,
  );
});

test('a TCP front hands out whole connections and keeps half-closed ones', async () => {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('end', () => socket.end(text.toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => await new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const dead = await backend('dead');
  await dead.stop();
  const made = await front({ protocol: 'tcp', backends: [dead, { id: 't', host: '127.0.0.1', port }] });
  for (let i = 0; i < 3; i += 1) {
    const client = connect(made.address.port, '127.0.0.1');
    client.end('loud');
    let text = '';
    for await (const part of client) text += part;
    assert.equal(text, 'LOUD');
  }
  assert.equal(made.statistics().failed, 0);
});

test('a taken port is a coded error', async () => {
  const a = await backend('a');
  await assert.rejects(createFront({ listen: { host: '127.0.0.1', port: a.port } }), (error) =>
    isHeraklitError(error, 'FRONT_LISTEN_FAILED'),
  );
});
