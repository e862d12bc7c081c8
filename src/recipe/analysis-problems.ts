import { type AnalysisMetric, type AnalysisSettings, type EndpointAuth, metricProblem } from '../analysis/index.ts';
import type { FleetRollout } from './fleet-rollout-types.ts';
import type { Problem } from './problems.ts';

type Path = readonly (string | number)[];
const problem = (path: Path, message: string): Problem => ({ path, atKey: false, message });

const SOURCES = ['prometheus', 'http', 'logs', 'restarts'] as const;
const CHECKS = ['min', 'max', 'compare'] as const;

/** What health analyses of a fleet file say that cannot be: their queries are read as they will be asked. */
export function analysisProblems(rollout: FleetRollout = {}): readonly Problem[] {
  return [
    ...settingsProblems(rollout.analysis, ['rollout', 'analysis']),
    ...(rollout.workloads ?? []).flatMap(({ analysis }, index) =>
      settingsProblems(analysis, ['rollout', 'workloads', index, 'analysis']),
    ),
  ];
}

function settingsProblems(settings: AnalysisSettings | undefined, at: Path): readonly Problem[] {
  const names = new Set<string>();
  return (settings?.metrics ?? []).flatMap((metric, index) => {
    const own = [...at, 'metrics', index];
    const twice = names.has(metric.name) ? [problem([...own, 'name'], `${metric.name} stands twice`)] : [];
    names.add(metric.name);
    return [...twice, ...metricProblems(metric, own)];
  });
}

function metricProblems(metric: AnalysisMetric, at: Path): readonly Problem[] {
  const problems: Problem[] = [];
  if (SOURCES.filter((source) => metric[source] !== undefined).length !== 1) {
    return [problem(at, `exactly one of ${SOURCES.join(', ')} is needed`)];
  }
  if (CHECKS.every((check) => metric[check] === undefined)) {
    problems.push(problem(at, `at least one of ${CHECKS.join(', ')} is needed`));
  }
  const { compare, restarts, prometheus, http } = metric;
  if (compare !== undefined && restarts !== undefined) {
    problems.push(problem([...at, 'compare'], 'restarts of a whole life and of a minute are not compared; use max'));
  }
  if (compare !== undefined && compare.factor === undefined && compare.difference === undefined) {
    problems.push(problem([...at, 'compare'], 'one of "factor" and "difference" is needed'));
  }
  const [name, endpoint] = prometheus === undefined ? (['http', http] as const) : (['prometheus', prometheus] as const);
  if (endpoint?.auth !== undefined) problems.push(...authProblems(endpoint.auth, [...at, name, 'auth']));
  if ((endpoint?.certFile === undefined) !== (endpoint?.keyFile === undefined)) {
    problems.push(problem([...at, name], '"certFile" and "keyFile" go together'));
  }
  const wrong = metricProblem(metric);
  return wrong === undefined ? problems : [...problems, problem(at, wrong)];
}

function authProblems(auth: EndpointAuth, at: Path): readonly Problem[] {
  const { tokenEnv, tokenFile, username, passwordEnv, passwordFile, header } = auth;
  const count = (...values: readonly unknown[]): number => values.filter((value) => value !== undefined).length;
  const tokens = count(tokenEnv, tokenFile);
  const passwords = count(passwordEnv, passwordFile);
  if (tokens + passwords !== 1) {
    return [problem(at, 'exactly one of tokenEnv, tokenFile, passwordEnv and passwordFile is needed')];
  }
  if (passwords !== count(username)) return [problem(at, 'a password goes with "username", a token without')];
  return header !== undefined && tokens === 0
    ? [problem([...at, 'header'], 'only a token goes into another header')]
    : [];
}
