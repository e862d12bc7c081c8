import { isHeraklitError } from '../base/index.ts';
import type { Member, MemberObserver } from '../runtime/index.ts';
import { ask } from './ask.ts';
import type { SecretPlaces } from './auth.ts';
import { analysisError } from './errors.ts';
import { readJson } from './json-endpoint.ts';
import { checkPattern, lineRate, type WindowOutput } from './log-rate.ts';
import { parsePointer } from './pointer.ts';
import { askPrometheus } from './prometheus.ts';
import { none, type Reading, readingOf } from './reading.ts';
import type { AnalysisMetric, HttpSource, LogSource, PrometheusSource } from './settings.ts';
import { fillTemplate, parseTemplate, type Side, type Template, type TemplateFacts } from './template.ts';

/** What is measured: a step of a rollout, with who knows its copies. */
export interface Subject extends TemplateFacts {
  /** Milliseconds since the epoch at which the step was in place. */
  readonly since: number;
  readonly observer: MemberObserver | undefined;
}

export interface GaugeContext extends SecretPlaces {
  readonly now: () => number;
}

/** Reads one metric of one side. */
export type Gauge = (subject: Subject, side: Side, signal: AbortSignal | undefined) => Promise<Reading>;

const SECOND = 1_000;
/** Copies whose logs are read for one measurement: of hundreds, some tell what all do. */
const MAX_MEMBERS = 20;

/** Fills in and asks; without an answer below the least number of samples. */
async function withSamples(
  filled: { readonly text: string } | { readonly missing: string },
  read: (text: string) => Promise<Reading>,
): Promise<Reading> {
  return 'missing' in filled ? none(filled.missing) : await read(filled.text);
}

function enough(value: Reading, samples: Reading, least: number): Reading {
  if (samples.kind === 'none') return none(`the number of samples is not known: ${samples.reason}`);
  return samples.value < least ? none(`${samples.value} samples, fewer than ${least}`) : value;
}

function prometheusGauge(source: PrometheusSource, context: GaugeContext): Gauge {
  const query = parseTemplate(source.query, 'promql');
  const counting = source.samples === undefined ? undefined : parseTemplate(source.samples.query, 'promql');
  return async (subject, side, signal) => {
    const look = async (template: Template): Promise<Reading> =>
      await withSamples(fillTemplate(template, subject, side), (text) => askPrometheus(source, text, context, signal));
    const value = await look(query);
    if (counting === undefined || value.kind === 'none') return value;
    return enough(value, await look(counting), source.samples?.min ?? 0);
  };
}

function httpGauge(source: HttpSource, context: GaugeContext): Gauge {
  const url = parseTemplate(source.url, 'url');
  const pointer = parsePointer(source.pointer);
  const counting = source.samples === undefined ? undefined : parsePointer(source.samples.pointer);
  return async (subject, side, signal) =>
    await withSamples(fillTemplate(url, subject, side), async (text) => {
      const answer = await ask({ endpoint: source, url: text, places: context, signal });
      const value = readJson(answer, pointer);
      if (counting === undefined || value.kind === 'none') return value;
      return enough(value, readJson(answer, counting), source.samples?.min ?? 0);
    });
}

const membersOf = ({ namespace, container, ...sides }: Subject, side: Side): readonly Member[] =>
  sides[side].members.map((name) => ({ namespace, container, name }));

const DEFAULT_WINDOW = 60;

function logGauge({ pattern, window = DEFAULT_WINDOW }: LogSource, { now }: GaugeContext): Gauge {
  checkPattern(pattern);
  return async (subject, side, signal) => {
    const { observer } = subject;
    if (observer === undefined) return none('this runtime has no logs to read');
    const until = now();
    const since = Math.max(subject.since, until - window * SECOND);
    const outputs: WindowOutput[] = [];
    for (const member of membersOf(subject, side).slice(0, MAX_MEMBERS)) {
      const output = await observer.output(member, new Date(since), signal);
      if (output === undefined) continue;
      outputs.push({ lines: output.lines, covered: until - Math.max(since, output.from?.getTime() ?? since) });
    }
    return lineRate(pattern, outputs);
  };
}

const restartGauge: Gauge = async (subject, side, signal) => {
  const { observer } = subject;
  if (observer === undefined) return none('this runtime does not count restarts');
  const members = membersOf(subject, side);
  const counts = await Promise.all(members.map((member) => observer.restarts(member, signal)));
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0
    ? none('no copy is there')
    : readingOf(
        known.reduce((sum, count) => sum + count, 0),
        'the number of restarts',
      );
};

function checkUrl({ url }: { readonly url: string }, name: string): void {
  const parsed = URL.parse(url.replace(/\{\{.*?\}\}/g, 'x'));
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === '') return;
  throw analysisError('ANALYSIS_EXPRESSION_INVALID', `${name}: the URL is not http or https, or names a user`, {
    hint: 'Put credentials under auth, where they come from a file or a variable.',
  });
}

/**
 * Makes a metric ready to be read; what is wrong with its templates and patterns is told now, not in the middle of a rollout.
 * @throws ANALYSIS_TEMPLATE_INVALID, ANALYSIS_EXPRESSION_INVALID
 */
export function gaugeOf(metric: AnalysisMetric, context: GaugeContext): Gauge {
  const { prometheus, http, logs } = metric;
  if (prometheus !== undefined) {
    checkUrl(prometheus, metric.name);
    return prometheusGauge(prometheus, context);
  }
  if (http !== undefined) {
    checkUrl(http, metric.name);
    return httpGauge(http, context);
  }
  return logs === undefined ? restartGauge : logGauge(logs, context);
}

/** What is wrong with a metric's queries and patterns; undefined where nothing is. Nothing is asked. */
export function metricProblem(metric: AnalysisMetric): string | undefined {
  try {
    gaugeOf(metric, { folder: '.', environment: {}, now: () => 0 });
    return undefined;
  } catch (error) {
    if (!isHeraklitError(error)) throw error;
    return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  }
}
