import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '../database/index.ts';
import {
  createRelay,
  type EventSink,
  emit,
  eventLine,
  memorySink,
  readEvents,
  routingKey,
  terminalSink,
  webhookSink,
} from './index.ts';

let directory: string;
let database: Database;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heraklit-relay-'));
  database = await openDatabase({ kind: 'embedded', directory: join(directory, 'database') });
});
after(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

let count = 0;
async function announce(howMany: number): Promise<string[]> {
  const subjects = Array.from({ length: howMany }, (_, index) => `image/${count + index}`);
  count += howMany;
  await database.transaction((trx) =>
    emit(
      trx,
      subjects.map((subject) => ({ type: 'io.heraklit.image.built', subject, key: subject, data: { reason: 'x' } })),
    ),
  );
  return subjects;
}

test('every sink gets every event in order, at its own pace, through failures and restarts', async () => {
  const good = memorySink('good');
  const inner = memorySink('bad');
  let calls = 0;
  const bad: EventSink = {
    ...inner,
    async deliver(events) {
      calls += 1;
      if (calls % 2 === 1) throw new Error('not now');
      await inner.deliver(events);
    },
  };
  const early = await announce(7);
  const options = { database, batch: 3, delay: 1, poll: 50 };
  const relay = await createRelay({ ...options, sinks: [good, bad] });
  await relay.flush();
  const between = await announce(5);
  await relay.flush();
  await relay.stop();
  const late = await announce(2);
  const second = await createRelay({ ...options, sinks: [good, bad] });
  await second.flush();
  await second.stop();
  const all = [...early, ...between, ...late];
  assert.deepEqual(
    good.events.map((event) => event.subject),
    all,
  );
  assert.deepEqual(
    inner.events.map((event) => event.subject),
    all,
  );
});

test('an ephemeral sink sees only what comes after it', async () => {
  await announce(2);
  const lines: string[] = [];
  const relay = await createRelay({ database, sinks: [terminalSink((line) => lines.push(line))] });
  const [subject] = await announce(1);
  await relay.flush();
  await relay.stop();
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, new RegExp(`^\\d\\d:\\d\\d:\\d\\d image\\.built +${subject}  x\\n$`));
});

test('a line never carries control characters to the terminal', async () => {
  const [event] = await readEvents(database.kysely, { after: 0, limit: 1 });
  assert.ok(event);
  assert.match(eventLine({ ...event, subject: 'a\u001b[2Jb\n\u009b' }), /a\\x1b\[2Jb\\x0a\\x9b/);
});

test('routing keys are the namespace and the type', () => {
  assert.equal(routingKey('acme.prod', 'io.heraklit.image.rolledback'), 'acme.prod.image.rolledback');
});

test('a webhook gets each event until it answers 2xx, signed, without redirects followed', async () => {
  const received: { id: string; signature: string | undefined }[] = [];
  let calls = 0;
  let authorization: string | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      calls += 1;
      authorization ??= request.headers.authorization;
      if (calls === 1) response.writeHead(503).end();
      else if (calls === 2) response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      else {
        const { id } = JSON.parse(body) as { id: string };
        received.push({ id, signature: request.headers['x-heraklit-signature'] as string });
        response.writeHead(204).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const warnings: string[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (message: string) => warnings.push(message) };
  const url = `http://user:secret@127.0.0.1:${port}/hook`;
  await assert.rejects(
    webhookSink({ name: 'bad', url }).deliver(await readEvents(database.kysely, { after: 0, limit: 1 })),
    {
      code: 'EVENTS_UNDELIVERED',
    },
  );
  const open = `http://127.0.0.1:${port}/hook`;
  const relay = await createRelay({
    database,
    sinks: [webhookSink({ name: 'hook', url: open, secret: 's' })],
    delay: 1,
    log,
  });
  await relay.flush();
  await relay.stop();
  server.close();
  const events = await readEvents(database.kysely, { after: 0, limit: 1000 });
  assert.deepEqual(
    received.map((one) => one.id),
    events.map((event) => event.id),
  );
  assert.match(received[0]?.signature ?? '', /^sha256=[0-9a-f]{64}$/);
  assert.match(warnings.join('\n'), /answered 302/);
  assert.equal(authorization, `Basic ${Buffer.from('user:secret').toString('base64')}`);
});
