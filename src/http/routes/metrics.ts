import type { FastifyInstance } from 'fastify';
import type { ServerMetrics } from '../operations/server-metrics.ts';
import type { FleetQueries } from '../queries.ts';
import type { Rollouts } from '../rollouts-contract.ts';
import type { Sources } from '../sources-contract.ts';

/** Seconds for which counted images are good enough for a scrape. */
const FLEET_AGE = 10;

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

/** `/metrics` in the Prometheus text format: the server's own series, then the fleet's. */
export function metricsRoute(
  server: FastifyInstance,
  queries: FleetQueries,
  metrics: ServerMetrics,
  rollouts?: Pick<Rollouts, 'runtimes'>,
): void {
  let counted: { at: number; text: Promise<string> } | undefined;
  const options = { schema: { hide: true } as object, config: { needs: 'metrics' } } as const;
  server.get('/metrics', options, async (_request, reply) => {
    const now = performance.now() / 1000;
    if (counted === undefined || now - counted.at > FLEET_AGE) {
      const text = Promise.all([fleetMetrics(queries), runtimeMetrics(rollouts)]).then((parts) => parts.join(''));
      counted = { at: now, text };
      text.catch(() => {
        counted = undefined;
      });
    }
    const [own, fleet] = await Promise.all([metrics.text(), counted.text]);
    return reply.type(metrics.contentType).send(`${own}\n${fleet}`);
  });
}

async function fleetMetrics(queries: FleetQueries): Promise<string> {
  const [totals, { sources }] = await Promise.all([queries.totals(), queries.sources()]);
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
    ...sourceMetrics(sources),
  ].join('');
}

async function runtimeMetrics(rollouts: Pick<Rollouts, 'runtimes'> | undefined): Promise<string> {
  const { runtimes } = (await rollouts?.runtimes()) ?? { runtimes: [] };
  if (runtimes.length === 0) return '';
  const samples = runtimes.map(({ name, state }) => ({ labels: { runtime: name }, value: state === 'usable' ? 1 : 0 }));
  return metric('heraklit_runtime_up', 'gauge', 'Whether what images are rolled out to answers.', samples);
}

function sourceMetrics(sources: Sources['sources']): readonly string[] {
  if (sources.length === 0) return [];
  const each = (value: (one: Sources['sources'][number]) => number | undefined): readonly Sample[] =>
    sources.flatMap((one) => {
      const found = value(one);
      return found === undefined ? [] : [{ labels: { source: one.source }, value: found }];
    });
  const succeeded = each((one) => (one.succeeded === null ? undefined : Date.parse(one.succeeded) / 1_000));
  return [
    metric(
      'heraklit_crawl_failures',
      'gauge',
      'Crawls of a source that failed in a row.',
      each((one) => one.failures),
    ),
    metric('heraklit_crawl_last_success_seconds', 'gauge', 'When a crawl last succeeded, since the epoch.', succeeded),
    metric(
      'heraklit_crawl_images',
      'gauge',
      'Names that the last crawl listed.',
      each((one) => one.last?.listed),
    ),
    metric(
      'heraklit_crawl_images_failed',
      'gauge',
      'Of these, could not be read.',
      each((one) => one.last?.failed),
    ),
    metric(
      'heraklit_crawl_running',
      'gauge',
      '1 while a source is crawled.',
      each((one) => Number(one.state === 'crawling')),
    ),
  ];
}
