import type { Server } from 'node:net';
import type { Backend, BackendPool, BackendStatus, TrafficShare } from './backend-pool.ts';
import { frontError } from './errors.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
}

export interface FrontStatistics {
  /** Requests (HTTP) or connections (TCP) taken from clients. */
  readonly accepted: number;
  /** Answered 502 or 503 by the front itself, or cut. */
  readonly failed: number;
  /** Given to a second backend because the first one refused or dropped the connection. */
  readonly repeated: number;
}

/** Owns the published port of a workload and hands its requests to the copies that are ready. */
export interface Front {
  readonly address: ListenAddress;
  /** New requests may go there from now on. Adding the same id again makes a draining one ready. */
  add(backend: Backend): void;
  /**
   * No new request goes there; resolves when the last one in flight is answered, or cut after `grace` milliseconds.
   * Upgraded connections (WebSocket) are left to their program, which ends them when it is stopped.
   * @returns how many were cut
   */
  drain(id: string, grace: number): Promise<number>;
  /** Shares of requests (HTTP) or connections (TCP); undefined: every backend is equal. A side without a backend gets none. */
  split(share: TrafficShare | undefined): void;
  backends(): readonly BackendStatus[];
  statistics(): FrontStatistics;
  /** Stops listening, lets requests in flight end within `grace` milliseconds, then cuts them. */
  close(grace?: number): Promise<void>;
}

export interface Counters {
  accepted: number;
  failed: number;
  repeated: number;
}

/** @throws FRONT_LISTEN_FAILED */
export async function listenOn(server: Server, listen: ListenAddress): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        frontError(
          'FRONT_LISTEN_FAILED',
          `cannot listen on ${listen.host}:${listen.port}: ${cause.code ?? cause.message}`,
          {
            cause,
            hint: 'Another process owns the port (perhaps a running heraklit with the same workload), or it needs privileges.',
          },
        ),
      ),
    );
    server.listen({ host: listen.host, port: listen.port, backlog: 4096 }, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has an address object');
  return { host: listen.host, port: bound.port };
}

/** What every protocol shares: pool operations bound to a server. */
export function frontOver(
  pool: BackendPool,
  address: ListenAddress,
  counters: Counters,
  close: (grace: number) => Promise<void>,
  drained: (id: string) => void,
): Front {
  return {
    address,
    add: (backend) => pool.add(backend),
    drain: async (id, grace) => {
      const cut = await pool.drain(id, grace);
      drained(id);
      return cut;
    },
    split: (share) => pool.split(share),
    backends: () => pool.status(),
    statistics: () => ({ ...counters }),
    close: async (grace = 5000) => await close(grace),
  };
}
