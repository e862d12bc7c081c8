import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type RouteName, routeOf } from './route-of.ts';

/** What is known of a request when its answer is sent, or its client has gone. */
export interface ExchangeFacts {
  readonly route: RouteName;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
  /** Bytes on the connection, headers included. */
  readonly received: number;
  readonly sent: number;
  /** The client left before the whole answer was sent. */
  readonly aborted: boolean;
}

export type ExchangeObserver = (facts: ExchangeFacts, request: FastifyRequest) => void;

interface Started {
  readonly at: number;
  readonly read: number;
  readonly written: number;
}

/** Calls `observe` once for each request, whatever becomes of it. */
export function observeExchanges(server: FastifyInstance, observe: ExchangeObserver): void {
  const started = new WeakMap<FastifyRequest, Started>();
  /** A kept connection carries one request after the other: what it moved since the last one is this one's. */
  const seen = new WeakMap<Socket, { read: number; written: number }>();
  server.addHook('onRequest', (request, _reply, done) => {
    const { socket } = request.raw;
    const before = seen.get(socket) ?? { read: 0, written: 0 };
    started.set(request, { at: performance.now(), ...before });
    done();
  });
  const end = (request: FastifyRequest, reply: FastifyReply | undefined): void => {
    const start = started.get(request);
    if (start === undefined) return;
    started.delete(request);
    const { socket } = request.raw;
    const { bytesRead: read, bytesWritten: written } = socket;
    seen.set(socket, { read, written });
    observe(
      {
        route: routeOf(request.url),
        method: request.method,
        status: reply?.statusCode ?? 499,
        seconds: (performance.now() - start.at) / 1000,
        received: read - start.read,
        sent: written - start.written,
        aborted: reply === undefined || !reply.raw.writableFinished,
      },
      request,
    );
  };
  server.addHook('onResponse', (request, reply, done) => {
    end(request, reply);
    done();
  });
  server.addHook('onRequestAbort', (request, done) => {
    end(request, undefined);
    done();
  });
}
