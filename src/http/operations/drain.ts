import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { routeOf } from './route-of.ts';

/** Ends a server without breaking what it is answering. */
export interface Drain {
  /** Requests being answered, event streams excluded: those never end by themselves. */
  inFlight(): number;
  /** True from the moment that `drain` is called: `/readyz` says no from then on. */
  started(): boolean;
  /**
   * Takes no more connections, asks those that are open to close after their answer, and waits until nothing is being
   * answered, `milliseconds` at most.
   * @returns requests that were still being answered then
   */
  drain(milliseconds: number): Promise<number>;
}

const LOOK = 25;

export function createDrain(server: FastifyInstance): Drain {
  const answering = new Set<unknown>();
  let draining = false;
  server.addHook('onRequest', (request, reply, done) => {
    if (routeOf(request.url) !== 'events') {
      answering.add(request.raw);
      // Also where neither hook of Fastify's comes: the connection ended before the answer began.
      reply.raw.once('close', () => answering.delete(request.raw));
    }
    if (draining) reply.header('connection', 'close');
    done();
  });
  return {
    inFlight: () => answering.size,
    started: () => draining,
    async drain(milliseconds) {
      draining = true;
      // Node's own close: Fastify's would end the connections under way (`forceCloseConnections`).
      server.server.close();
      const end = performance.now() + milliseconds;
      while (answering.size > 0 && performance.now() < end) {
        await sleep(LOOK);
        server.server.closeIdleConnections();
      }
      return answering.size;
    },
  };
}
