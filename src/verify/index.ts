export { verifyError } from './errors.ts';
export { verifiedEvent } from './events.ts';
export { renderJunit } from './junit.ts';
export { type KubernetesRunnerOptions, kubernetesRunner } from './runner/kubernetes/runner.ts';
export type { TestRunner } from './runner/port.ts';
export { type KeptVerification, readVerifications, recordVerification } from './store.ts';
export { hasTests, imagesOf, type LoadedSuite, loadSuite } from './suite/load-suite.ts';
export type { Candidate, PartLog, Verification, VerifyOptions, VerifyStep } from './types.ts';
export { verifyImage } from './verify.ts';
