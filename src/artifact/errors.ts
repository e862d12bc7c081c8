import { errorFactory } from '../base/index.ts';

export const artifactErrors = {
  ARTIFACT_REFERENCE_UNSUPPORTED: {
    kind: 'usage',
    retryable: false,
    meaning:
      'Artifacts lie in registries and OCI layouts; the reference names something else, or lacks what is needed.',
  },
  ARTIFACT_FILE_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file to push cannot be pushed: absent, not a plain file or folder, named twice, or of no media type.',
  },
  ARTIFACT_ANNOTATION_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'An annotation is not KEY=VALUE, or its key is one that heraklit sets itself.',
  },
  ARTIFACT_CHART_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file is no packaged Helm chart: it has no readable Chart.yaml with name and version.',
  },
  ARTIFACT_TITLE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'An artifact names a file outside the folder it is pulled into, or one no file system takes.',
  },
  ARTIFACT_FILE_EXISTS: {
    kind: 'usage',
    retryable: false,
    meaning: 'Pulling would replace a file that --keep protects, or a folder stands where a file is to be.',
  },
  ARTIFACT_TOO_LARGE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A blob of an artifact is longer than its manifest says, or an artifact has too many referrers to list.',
  },
} as const;

export const artifactError = errorFactory(artifactErrors);
