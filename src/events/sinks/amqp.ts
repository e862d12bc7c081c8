import { Connection, type Publisher } from 'rabbitmq-client';
import { messageOf, redact } from '../../base/index.ts';
import type { EventSink, HeraklitEvent } from '../envelope.ts';
import { eventsError } from '../errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const CONTAINER_PUBLISHED = 'io.heraklit.container.published';

export interface AmqpOptions {
  /** `amqp://user:password@host:port/vhost` or `amqps://…`. */
  readonly url: string;
  /** First word(s) of every routing key. */
  readonly namespace: string;
  /** Durable topic exchange; declared when missing. `heraklit` by default. */
  readonly exchange?: string;
}

/**
 * RabbitMQ: durable topic exchange, persistent messages, publisher confirms; `deliver` resolves when the broker has
 * confirmed every message. `message-id` is the event's id, for consumers that drop duplicates.
 *
 * Routing keys are `<namespace>.image.built` and so on, bodies CloudEvents in structured JSON (AMQP binding 1.0).
 * `<namespace>.container.published` carries exactly the four keys of the Open Build Service in its body, because
 * existing consumers read them there; its CloudEvents attributes are in the headers (binary mode).
 */
export function amqpSink(options: AmqpOptions): EventSink {
  const exchange = options.exchange ?? 'heraklit';
  let connection: Connection | undefined;
  let publisher: Publisher | undefined;
  let failure: unknown;

  const connect = (): Publisher => {
    connection = new Connection({
      url: options.url,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      acquireTimeout: CONNECT_TIMEOUT_MS,
    });
    // Reconnecting is the library's work; the last reason explains a delivery that failed meanwhile.
    connection.on('error', (error) => {
      failure = error;
    });
    return connection.createPublisher({
      confirm: true,
      maxAttempts: 1,
      exchanges: [{ exchange, type: 'topic', durable: true }],
    });
  };

  return {
    name: 'amqp',
    async deliver(events) {
      publisher ??= connect();
      const open = publisher;
      const sent = await Promise.allSettled(
        events.map((event) => open.send(...message(event, exchange, options.namespace))),
      );
      const refused = sent.find((result) => result.status === 'rejected');
      if (refused === undefined) return;
      const reason = messageOf(failure ?? refused.reason);
      failure = undefined;
      throw eventsError('EVENTS_UNDELIVERED', `RabbitMQ at ${redact(options.url)}: ${reason}`, {
        cause: refused.reason,
        hint: 'Delivery is tried again; check that the broker runs and the user may write to the exchange.',
      });
    },
    async close() {
      // Without a broker an orderly close would wait for a connection that never comes.
      if (connection?.ready === true) {
        await publisher?.close();
        await connection.close();
      } else connection?.unsafeDestroy();
    },
  };
}

/** `io.heraklit.image.built` → `<namespace>.image.built`. */
export function routingKey(namespace: string, type: string): string {
  return `${namespace}.${type.replace(/^io\.heraklit\./, '')}`;
}

function message(event: HeraklitEvent, exchange: string, namespace: string): Parameters<Publisher['send']> {
  const common = {
    exchange,
    routingKey: routingKey(namespace, event.type),
    durable: true,
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.parse(event.time) / 1000),
  };
  if (event.type !== CONTAINER_PUBLISHED) {
    const contentType = 'application/cloudevents+json; charset=utf-8';
    return [{ ...common, contentType }, Buffer.from(JSON.stringify(event))];
  }
  const { data, datacontenttype, ...attributes } = event;
  const headers = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, String(value)]),
  );
  return [{ ...common, contentType: datacontenttype, headers }, Buffer.from(JSON.stringify(data))];
}
