import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessLog } from './access-log.ts';
import { createDrain, type Drain } from './drain.ts';
import { observeExchanges } from './exchange-facts.ts';
import { createServerMetrics, type MeasuredStore, type ServerMetrics } from './server-metrics.ts';

/** What the people who run a server want of it besides answers. */
export interface OperationsOptions {
  readonly accessLog?: AccessLog;
  /** What the registry holds, for metrics. */
  readonly store?: () => Promise<MeasuredStore>;
}

export interface Operations {
  readonly drain: Drain;
  readonly metrics: ServerMetrics;
}

/** Must come before hooks that answer: what they refuse is counted and logged too. */
export function operate(
  server: FastifyInstance,
  options: OperationsOptions & {
    readonly streams: () => number;
    readonly accountOf: (request: FastifyRequest) => string | undefined;
  },
): Operations {
  const { accessLog, store, streams, accountOf } = options;
  const drain = createDrain(server);
  const metrics = createServerMetrics({ inFlight: drain.inFlight, streams, ...(store === undefined ? {} : { store }) });
  observeExchanges(server, (facts, request) => {
    metrics.exchange(facts);
    accessLog?.write(facts, request, accountOf(request));
  });
  return { drain, metrics };
}
