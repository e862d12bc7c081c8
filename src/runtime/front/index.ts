import type { Backend } from './backend-pool.ts';
import type { Front, ListenAddress } from './front.ts';
import { createHttpFront } from './http-front.ts';
import { createTcpFront } from './tcp-front.ts';

export type { Backend, BackendState, BackendStatus, TrafficShare } from './backend-pool.ts';

export type { Front, FrontStatistics, ListenAddress } from './front.ts';

export interface FrontOptions {
  readonly listen: ListenAddress;
  readonly backends?: readonly Backend[];
  /** `http` (default) balances requests; `tcp` whole connections, for everything that is not HTTP/1.1. */
  readonly protocol?: 'http' | 'tcp';
}

/** @throws FRONT_LISTEN_FAILED */
export async function createFront(options: FrontOptions): Promise<Front> {
  const create = options.protocol === 'tcp' ? createTcpFront : createHttpFront;
  return await create(options.listen, options.backends ?? []);
}
