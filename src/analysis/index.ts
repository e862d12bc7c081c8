export { type Analyser, type AnalyserOptions, type AnalysisRun, createAnalyser, type Measurement } from './analyser.ts';
export type { SecretPlaces } from './auth.ts';
export { metricProblem, type Subject } from './gauge.ts';
export type { Reading } from './reading.ts';
export type {
  AnalysisMetric,
  AnalysisSettings,
  Comparison,
  Endpoint,
  EndpointAuth,
  HttpSource,
  LogSource,
  PrometheusSource,
} from './settings.ts';
