import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ExchangeFacts } from './exchange-facts.ts';

/** Upper bounds in seconds: manifests are answered in under a millisecond, blobs take as long as they are large. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What collections did, as `heraklit registry gc` reports it. */
export interface CollectionFacts {
  readonly seconds: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface ServerMetrics {
  /** In the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
  exchange(facts: ExchangeFacts): void;
  collected(facts: CollectionFacts): void;
  collectionFailed(): void;
}

export interface MeasuredStore {
  readonly blobs: number;
  readonly bytes: number;
  readonly repositories: number;
}

export interface ServerMetricsOptions {
  readonly inFlight: () => number;
  readonly streams: () => number;
  /** Asked at most once a minute. */
  readonly store?: () => Promise<MeasuredStore>;
}

const STORE_AGE = 60_000;

/** Series of one server. Each has its own registry: tests run several servers in a process. */
export function createServerMetrics({ inFlight, streams, store }: ServerMetricsOptions): ServerMetrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'heraklit_http_requests_total',
    help: 'Requests answered.',
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: 'heraklit_http_request_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['method', 'route'] as const,
    buckets: SECONDS,
    registers,
  });
  const bytes = new Counter({
    name: 'heraklit_http_bytes_total',
    help: 'Bytes on connections, headers included.',
    labelNames: ['route', 'direction'] as const,
    registers,
  });
  const aborted = new Counter({
    name: 'heraklit_http_aborted_total',
    help: 'Requests whose client left before the whole answer was sent.',
    labelNames: ['route'] as const,
    registers,
  });
  gauge('heraklit_http_requests_in_flight', 'Requests being answered, event streams excluded.', inFlight, registers);
  gauge('heraklit_event_streams', 'Open event streams.', streams, registers);
  const collections = new Counter({
    name: 'heraklit_registry_gc_total',
    help: 'Garbage collections.',
    labelNames: ['result'] as const,
    registers,
  });
  const freedBytes = new Counter({ name: 'heraklit_registry_gc_freed_bytes_total', help: 'Bytes freed.', registers });
  const freedBlobs = new Counter({ name: 'heraklit_registry_gc_freed_blobs_total', help: 'Blobs freed.', registers });
  const gcSeconds = new Gauge({
    name: 'heraklit_registry_gc_last_seconds',
    help: 'How long the last garbage collection took.',
    registers,
  });
  if (store !== undefined) storeGauges(cached(store), registers);
  return {
    text: () => register.metrics(),
    contentType: register.contentType,
    exchange({ method, route, status, seconds: took, received, sent, aborted: left }) {
      requests.inc({ method, route, status: `${Math.floor(status / 100)}xx` });
      seconds.observe({ method, route }, took);
      bytes.inc({ route, direction: 'received' }, Math.max(received, 0));
      bytes.inc({ route, direction: 'sent' }, Math.max(sent, 0));
      if (left) aborted.inc({ route });
    },
    collected(facts) {
      collections.inc({ result: 'done' });
      freedBlobs.inc(facts.blobs);
      freedBytes.inc(facts.bytes);
      gcSeconds.set(facts.seconds);
    },
    collectionFailed: () => collections.inc({ result: 'failed' }),
  };
}

function gauge(name: string, help: string, value: () => number, registers: Registry[]): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(value());
    },
  });
}

function storeGauges(read: () => Promise<MeasuredStore>, registers: Registry[]): void {
  const kinds = [
    ['heraklit_registry_blobs', 'Blobs that repositories serve.', 'blobs'],
    ['heraklit_registry_bytes', 'Bytes of the blobs that repositories serve, each counted once.', 'bytes'],
    ['heraklit_registry_repositories', 'Repositories.', 'repositories'],
  ] as const;
  for (const [name, help, member] of kinds) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set((await read())[member]);
      },
    });
  }
}

function cached(read: () => Promise<MeasuredStore>): () => Promise<MeasuredStore> {
  let last: { readonly at: number; readonly value: Promise<MeasuredStore> } | undefined;
  return () => {
    const now = performance.now();
    if (last !== undefined && now - last.at < STORE_AGE) return last.value;
    const value = read();
    last = { at: now, value };
    value.catch(() => {
      last = undefined;
    });
    return value;
  };
}
