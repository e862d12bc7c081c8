import { errorFactory } from '../../base/index.ts';

export const helmErrors = {
  HELM_RELEASE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A secret that should hold a Helm release does not, or holds more than any honest one.',
  },
  HELM_CHART_INCOMPLETE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A release was made of a chart with dependencies, which clusters do not keep: the chart has to be named.',
  },
  HELM_VALUE_IGNORED: {
    kind: 'failed',
    retryable: false,
    meaning: 'The chart does not make what the image values of a release say: the digest is not in what it renders.',
  },
  HELM_VALUE_MISUSED: {
    kind: 'failed',
    retryable: false,
    meaning:
      "A chart writes an image's tag where no digest can stand: into a label, which the API server would refuse.",
  },
  HELM_CONFLICT: {
    kind: 'failed',
    retryable: false,
    meaning: 'Somebody else holds fields of objects that a Helm release makes, and helm does not take them.',
  },
  HELM_BUSY: {
    kind: 'failed',
    retryable: true,
    meaning: 'Another operation on a Helm release is under way, or was left half-way.',
  },
  HELM_FAILED: {
    kind: 'failed',
    retryable: true,
    meaning: 'The program helm refused or failed before anything changed.',
  },
  HELM_ROLLBACK_INCOMPLETE: {
    kind: 'failed',
    retryable: false,
    meaning: 'An upgrade of a Helm release failed, and so did the way back to the revision before.',
  },
} as const;

export const helmError = errorFactory(helmErrors);
