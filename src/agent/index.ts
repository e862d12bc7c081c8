export { deliver } from './deliver.ts';
export { agentError } from './errors.ts';
export { type HostIdentity, hostIdentity } from './host-identity.ts';
export { type LoadedPackage, type Observation, type ObservedContainer, observeContainers } from './observe.ts';
export { reportOf } from './report.ts';
export { ReportQueue } from './report-queue.ts';
