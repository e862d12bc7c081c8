import type { FastifyInstance } from 'fastify';
import { type Log, messageOf } from '../../base/index.ts';
import type { Drain } from '../operations/drain.ts';

/**
 * `/healthz`: the process answers. `/readyz`: what it needs (the database) answers too, and it is not about to end.
 */
export function healthRoutes(
  server: FastifyInstance,
  ready: () => Promise<unknown>,
  drain: Pick<Drain, 'started'>,
  log: Log,
): void {
  const schema = { hide: true } as object;
  // Probes carry no account.
  const config = { needs: 'open' } as const;
  server.get('/healthz', { schema, config }, async (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', { schema, config }, async (_request, reply) => {
    if (drain.started()) return reply.code(503).type('text/plain').send('draining\n');
    try {
      await ready();
      return reply.type('text/plain').send('ready\n');
    } catch (error) {
      log.warn('not ready', { error: messageOf(error) });
      return reply.code(503).type('text/plain').send('not ready\n');
    }
  });
}
