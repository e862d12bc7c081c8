export type { HealthCheck, RolloutOutcome, RolloutRequest, Workload, WorkloadRuntime } from './port.ts';
