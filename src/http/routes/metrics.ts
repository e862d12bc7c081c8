import type { FastifyInstance } from 'fastify';
import type { FleetQueries } from '../queries.ts';
import type { StreamCount } from './events.ts';

/** Seconds for which counted images are good enough for a scrape. */
const FLEET_AGE = 10;

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

function metric(name: string, kind: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n');
}

/** `/metrics` in the Prometheus text format. */
export function metricsRoute(server: FastifyInstance, queries: FleetQueries, streams: StreamCount): void {
  const requests = new Map<string, number>();
  server.addHook('onResponse', async (request, reply) => {
    const key = `${request.method} ${Math.floor(reply.statusCode / 100)}xx`;
    requests.set(key, (requests.get(key) ?? 0) + 1);
  });
  let counted: { at: number; text: Promise<string> } | undefined;
  const options = { schema: { hide: true } as object, config: { needs: 'metrics' } } as const;
  server.get('/metrics', options, async (_request, reply) => {
    const now = performance.now() / 1000;
    if (counted === undefined || now - counted.at > FLEET_AGE) {
      const text = fleetMetrics(queries);
      counted = { at: now, text };
      text.catch(() => {
        counted = undefined;
      });
    }
    const answered = [...requests].map(([key, value]) => {
      const [method = '', status = ''] = key.split(' ');
      return { labels: { method, status }, value };
    });
    const own = [
      metric('heraklit_http_requests_total', 'counter', 'Requests answered.', answered),
      metric('heraklit_event_streams', 'gauge', 'Open event streams.', [{ value: streams.open }]),
      processMetrics(),
    ];
    return reply.type(PROMETHEUS).send(own.join('') + (await counted.text));
  });
}

function processMetrics(): string {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const started = Date.now() / 1000 - process.uptime();
  return [
    metric('process_cpu_seconds_total', 'counter', 'CPU time.', [{ value: (cpu.user + cpu.system) / 1e6 }]),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', [{ value: memory.rss }]),
    metric('process_start_time_seconds', 'gauge', 'Start time since the epoch.', [{ value: started }]),
    metric('nodejs_heap_size_used_bytes', 'gauge', 'Used heap.', [{ value: memory.heapUsed }]),
  ].join('');
}

async function fleetMetrics(queries: FleetQueries): Promise<string> {
  const { totals } = await queries.fleet();
  const findings = [
    { labels: { security: 'true' }, value: totals.security },
    { labels: { security: 'false' }, value: totals.findings - totals.security },
  ];
  const grades = Object.entries(totals.grades).map(([grade, value]) => ({ labels: { grade }, value }));
  return [
    metric('heraklit_images', 'gauge', 'Images of the fleet.', [{ value: totals.images }]),
    metric('heraklit_images_outdated', 'gauge', 'Images that miss updates.', [{ value: totals.outdated }]),
    metric('heraklit_findings', 'gauge', 'Missing updates.', findings),
    metric('heraklit_image_grades', 'gauge', 'Images by freshness grade.', grades),
    metric('heraklit_workloads', 'gauge', 'Running workloads.', [{ value: totals.workloads }]),
  ].join('');
}
