import type { ResourceDescriptor } from './resource.ts';

export interface TestRun {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What said which tests to run. */
  readonly configuration: readonly ResourceDescriptor[];
}

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md */
export function testResultPredicate({ passed, failed, configuration }: TestRun): object {
  return {
    result: failed.length === 0 ? 'PASSED' : 'FAILED',
    configuration,
    passedTests: passed,
    warnedTests: [],
    failedTests: failed,
  };
}
