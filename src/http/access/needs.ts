import type { FastifyRequest } from 'fastify';

/**
 * What a route asks of who calls it: `open` nothing, `registry` is decided by repository. Routes that say nothing need
 * `view`, so that a forgotten one is closed and not open.
 */
export type Need = 'open' | 'registry' | 'view' | 'metrics' | 'report' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly needs?: Need;
  }
}

/** By the route that was found, not by the path as it was written: `/%61pi/…` finds the route of `/api/…` too. */
export function needOf(request: FastifyRequest): Need {
  const { url, config } = request.routeOptions;
  if (url === '/v2' || url === '/v2/*') return 'registry';
  return config?.needs ?? 'view';
}
