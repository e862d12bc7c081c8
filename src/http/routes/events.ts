import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { EventRecord } from '../contract.ts';
import { httpError } from '../errors.ts';
import type { EventStream } from '../event-stream.ts';
import * as schemas from '../schemas.ts';

/** Events of one answer, or of one turn of a stream. */
const PAGE = 500;
/** Open streams of one process. */
export const MAX_STREAMS = 1000;
/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const HEARTBEAT = 15_000;

const Position = Type.Object({
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'Sequence number to continue after.' })),
  last: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE, description: 'Only the newest so many.' })),
});

interface EventsQuery {
  readonly after?: number;
  readonly last?: number;
}

/** How many streams are open, for /metrics. */
export interface StreamCount {
  open: number;
  readonly limit: number;
}

/**
 * `/api/v1/events`: a page as JSON, or, asked for `text/event-stream`, everything after `Last-Event-ID` and then what
 * comes, as server-sent events. A stream without a position starts with what happens from now on.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventRoutes(server: FastifyInstance, stream: EventStream, streams: StreamCount): void {
  const closing = new AbortController();
  server.addHook('preClose', async () => closing.abort());
  const schema = {
    operationId: 'events',
    summary: 'Events in commit order: a JSON page, or a stream for Accept: text/event-stream',
    querystring: Position,
    response: { 200: schemas.Events, '4xx': schemas.Problem, '5xx': schemas.Problem },
  };
  server.get<{ Querystring: EventsQuery }>('/api/v1/events', { schema }, async (request, reply) => {
    const { after, last } = request.query;
    const tail = last === undefined ? undefined : Math.max(0, (await stream.last()) - last);
    if (!request.headers.accept?.includes('text/event-stream')) {
      const events = await stream.read(after ?? tail ?? 0, PAGE);
      return { events, next: events.at(-1)?.sequence ?? after ?? tail ?? 0 };
    }
    if (streams.open >= streams.limit)
      throw httpError('HTTP_TOO_MANY_STREAMS', `${streams.limit} event streams are open`);
    const resumed = Number(request.headers['last-event-id']);
    const start = Number.isSafeInteger(resumed) && resumed >= 0 && request.headers['last-event-id'] !== undefined;
    const from = start ? resumed : (after ?? tail ?? (await stream.last()));
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    streams.open += 1;
    try {
      await pump(stream, from, reply.raw, closing.signal);
    } catch (error) {
      request.log.warn(error);
    } finally {
      streams.open -= 1;
      reply.raw.end();
    }
    return reply;
  });
}

const frame = (event: EventRecord): string =>
  `id: ${event.sequence}\nevent: heraklit\ndata: ${JSON.stringify(event)}\n\n`;

/** Resolves when the client went away or the server closes. Reads no faster than the client takes it. */
async function pump(stream: EventStream, from: number, response: ServerResponse, closing: AbortSignal): Promise<void> {
  const bell = createBell();
  const stop = await stream.subscribe(bell.ring);
  response.on('close', bell.ring);
  closing.addEventListener('abort', bell.ring);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': alive\n\n');
  }, HEARTBEAT);
  const isOver = (): boolean => closing.aborted || response.destroyed || response.closed;
  try {
    response.write('retry: 2000\n\n');
    for (let position = from; !isOver(); ) {
      const events = await stream.read(position, PAGE);
      position = events.at(-1)?.sequence ?? position;
      if (events.length === 0) await bell.wait();
      else if (!response.write(events.map(frame).join(''))) await drained(response, closing);
    }
  } finally {
    clearInterval(heartbeat);
    closing.removeEventListener('abort', bell.ring);
    await stop();
  }
}

function drained(response: ServerResponse, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || closing.aborted) return resolve();
    response.once('drain', resolve);
    response.once('close', resolve);
    closing.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A ring that comes before the wait is not lost. */
function createBell() {
  let rung = false;
  let waiting: (() => void) | undefined;
  return {
    ring: (): void => {
      rung = true;
      waiting?.();
    },
    wait: async (): Promise<void> => {
      if (!rung) {
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
      }
      waiting = undefined;
      rung = false;
    },
  };
}
