import { type Answer, ask } from './ask.ts';
import type { SecretPlaces } from './auth.ts';
import { none, type Reading, readingOf } from './reading.ts';
import type { PrometheusSource } from './settings.ts';

/** The number of a sample: `[time, "1.5"]`. */
function sampleOf(sample: unknown): Reading {
  const text: unknown = Array.isArray(sample) ? sample[1] : undefined;
  if (typeof text !== 'string') return none('Prometheus answers with a sample that is none');
  if (text === '+Inf' || text === 'Inf') return readingOf(Infinity, 'the result');
  if (text === '-Inf') return readingOf(-Infinity, 'the result');
  if (text !== 'NaN' && !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    return none('Prometheus answers with a value that is no number');
  }
  return readingOf(Number(text), 'the result');
}

/**
 * The one number of an instant query.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 */
export function readPrometheus(answer: Answer): Reading {
  if ('trouble' in answer) return none(answer.trouble);
  const { status, data, error } = (answer.json ?? {}) as { status?: unknown; data?: unknown; error?: unknown };
  if (status !== 'success') return none(`Prometheus answers ${String(error ?? status).slice(0, 200)}`);
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType === 'scalar') return sampleOf(result);
  if (resultType !== 'vector' || !Array.isArray(result)) {
    return none(`the query gives a ${String(resultType).slice(0, 50)}, not one number`);
  }
  if (result.length === 0) return none('the query finds nothing');
  if (result.length > 1) return none(`the query gives ${result.length} series: aggregate them, with sum() or max()`);
  return sampleOf((result[0] as { value?: unknown } | null)?.value);
}

/** Asks Prometheus, or what speaks its query API (Thanos, Mimir, VictoriaMetrics). */
export async function askPrometheus(
  source: PrometheusSource,
  query: string,
  places: SecretPlaces,
  signal: AbortSignal | undefined,
): Promise<Reading> {
  const url = `${source.url.replace(/\/+$/, '')}/api/v1/query`;
  const form = new URLSearchParams({ query, timeout: `${source.timeout ?? 10}s` });
  return readPrometheus(await ask({ endpoint: source, url, form, places, signal }));
}
