import { errorFactory } from '../base/index.ts';

export const ociErrors = {
  OCI_DIGEST_INVALID: { kind: 'usage', retryable: false, meaning: 'A text is not a digest of a supported algorithm.' },
  OCI_DIGEST_MISMATCH: {
    kind: 'failed',
    retryable: true,
    meaning: 'Bytes do not hash to the digest that names them, or have another length.',
  },
  OCI_REFERENCE_INVALID: { kind: 'usage', retryable: false, meaning: 'An image reference does not parse.' },
  OCI_MANIFEST_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A manifest, index or image config is not what the OCI image specification asks for.',
  },
  OCI_MANIFEST_TOO_LARGE: {
    kind: 'failed',
    retryable: false,
    meaning: 'A manifest, index or config is over its limit.',
  },
  OCI_PLATFORM_INVALID: { kind: 'usage', retryable: false, meaning: 'A text is not a platform (os/architecture).' },
  OCI_PLATFORM_MISSING: { kind: 'failed', retryable: false, meaning: 'An index has no image for the platform asked.' },
  OCI_LAYER_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A layer archive is broken or hostile: escaping path, bad header, truncated, wrong compression.',
  },
  OCI_LAYER_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'A layer unpacks to more bytes or entries than the limit allows (decompression bomb).',
  },
} as const;

export const ociError = errorFactory(ociErrors);
