import type { ResourceDescriptor } from './resource.ts';

export interface TestRun {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What said which tests to run. */
  readonly configuration: readonly ResourceDescriptor[];
  /** Where the whole result is kept. */
  readonly url?: string;
  /** Further members; readers of the type pass over what they do not know. */
  readonly details?: TestDetails;
}

/** How the tests went: each step, where it ran, and what the logs were. */
export interface TestDetails {
  /** `engine`, `kubernetes` */
  readonly runner: string;
  readonly durationMilliseconds: number;
  readonly steps: readonly {
    readonly name: string;
    readonly kind: string;
    readonly result: 'PASSED' | 'FAILED';
    readonly durationMilliseconds: number;
    readonly detail: string;
  }[];
  readonly logs: readonly ResourceDescriptor[];
}

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md */
export function testResultPredicate({ passed, failed, configuration, url, details }: TestRun): object {
  return {
    result: failed.length === 0 ? 'PASSED' : 'FAILED',
    configuration,
    ...(url === undefined ? {} : { url }),
    passedTests: passed,
    warnedTests: [],
    failedTests: failed,
    ...details,
  };
}
