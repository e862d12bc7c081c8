import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AsyncMessage, Connection } from 'rabbitmq-client';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { amqpSink, createRelay, emit, type HeraklitEvent, readEvents } from '../../src/events/index.ts';
import { rabbitmqServer, startBroker, type TestBroker } from '../support/rabbitmq.ts';

const server = rabbitmqServer();

if (server === undefined) {
  test('RabbitMQ', (context) => context.skip('rabbitmq-server not installed'));
} else {
  describe('RabbitMQ', () => {
    let broker: TestBroker;
    let root: string;
    let database: Database;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), 'heraklit-amqp-'));
      [broker, database] = await Promise.all([
        startBroker(server),
        openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
      ]);
    });
    after(async () => {
      await database.close();
      await broker.stop();
      await rm(root, { recursive: true, force: true });
    });

    /** A consumer as others would write it: durable queue bound to the exchange, acknowledging each message. */
    const consume = async (queue: string, key: string, take: (message: AsyncMessage) => void) => {
      const connection = new Connection({ url: broker.url, retryLow: 200 });
      connection.on('error', () => undefined);
      const consumer = connection.createConsumer(
        {
          queue,
          queueOptions: { queue, durable: true },
          exchanges: [{ exchange: 'heraklit', type: 'topic', durable: true }],
          queueBindings: [{ exchange: 'heraklit', routingKey: key }],
        },
        async (message) => take(message),
      );
      consumer.on('error', () => undefined);
      await new Promise<void>((resolve) => consumer.once('ready', resolve));
      return async () => {
        await consumer.close();
        await connection.close();
      };
    };
    const announce = (type: `io.heraklit.${string}`, key: string, data: object) =>
      database.transaction((trx) => emit(trx, { type, subject: 'shop', key, data }));
    const sink = () => amqpSink({ url: broker.url, namespace: 'acme' });

    test('routing keys, CloudEvents and the four keys of container.published', async () => {
      const messages: AsyncMessage[] = [];
      const both = Promise.withResolvers<void>();
      const stop = await consume('first', 'acme.#', (message) => {
        messages.push(message);
        if (messages.length === 2) both.resolve();
      });
      const four = { project: 'fleet', repo: 'shop', buildid: 'sha256:0', container: 'registry/shop:latest' };
      await announce('io.heraklit.image.built', 'a', { digest: 'sha256:0', umlaut: 'ä' });
      await announce('io.heraklit.container.published', 'a', four);
      const relay = await createRelay({ database, sinks: [sink()] });
      await relay.flush();
      await both.promise;
      await relay.stop();
      await stop();
      const [built, container] = messages;
      assert.ok(built && container);
      assert.deepEqual([built.routingKey, container.routingKey], ['acme.image.built', 'acme.container.published']);
      assert.equal(built.contentType, 'application/cloudevents+json; charset=utf-8');
      assert.ok(built.durable && container.durable, 'persistent');
      const event = JSON.parse(String(built.body)) as HeraklitEvent<{ umlaut: string }>;
      assert.deepEqual([event.specversion, event.data.umlaut, event.id], ['1.0', 'ä', built.messageId]);
      const body: unknown = Buffer.isBuffer(container.body) ? JSON.parse(String(container.body)) : container.body;
      assert.deepEqual(body, four);
      assert.equal(container.headers?.['cloudEvents:type'], 'io.heraklit.container.published');
    });

    test('a broker that is killed in the middle of a delivery loses nothing and changes no order', async () => {
      const seen: string[] = [];
      const done = Promise.withResolvers<void>();
      const COUNT = 3_000;
      await consume('crash', 'acme.image.outdated', () => undefined).then((stop) => stop());
      const events = Array.from({ length: COUNT }, (_, index) => index);
      await database.transaction((trx) =>
        emit(
          trx,
          events.map((index) => ({
            type: 'io.heraklit.image.outdated',
            subject: 'shop',
            key: `${index}`,
            data: { index },
          })),
        ),
      );
      const warnings: string[] = [];
      const log = { debug() {}, info() {}, error() {}, warn: (message: string) => warnings.push(message) };
      const inner = sink();
      let batches = 0;
      const relay = await createRelay({
        database,
        log,
        batch: 100,
        delay: 100,
        maximumDelay: 1_000,
        sinks: [
          {
            ...inner,
            async deliver(batch) {
              batches += 1;
              // The tenth batch is on its way when the broker dies.
              if (batches === 10) await Promise.all([inner.deliver(batch), broker.crash()]);
              else await inner.deliver(batch);
            },
          },
        ],
      });
      while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      await broker.start();
      await relay.flush();
      await relay.stop();
      const stop = await consume('crash', 'acme.image.outdated', (message) => {
        const id = String(message.messageId);
        if (!seen.includes(id)) seen.push(id);
        if (seen.length === COUNT) done.resolve();
      });
      await done.promise;
      await stop();
      const sent: string[] = [];
      for (let position = 0; sent.length < COUNT; ) {
        const page = await readEvents(database.kysely, {
          after: position,
          limit: 1000,
          types: ['io.heraklit.image.outdated'],
        });
        sent.push(...page.map((event) => event.id));
        position = page.at(-1)?.sequence ?? position;
      }
      assert.deepEqual(seen, sent);
      assert.match(warnings[0] ?? '', /RabbitMQ at amqp:\/\/\*\*\*@127/);
    });
  });
}
