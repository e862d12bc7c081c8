import { errorFactory } from '../base/index.ts';

export const transportErrors = {
  TRANSPORT_IMAGE_MISSING: {
    kind: 'failed',
    retryable: false,
    meaning: 'A layout or archive does not exist, or holds no image of that name.',
  },
  TRANSPORT_IMAGE_AMBIGUOUS: {
    kind: 'usage',
    retryable: false,
    meaning: 'A layout or archive holds several images and the reference does not say which.',
  },
  TRANSPORT_ARCHIVE_INVALID: {
    kind: 'failed',
    retryable: false,
    meaning: 'A file is no image archive, or a broken one.',
  },
  TRANSPORT_NOT_AN_IMAGE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A reference names a root folder where an OCI image is needed.',
  },
  TRANSPORT_REFERENCE_READ_ONLY: {
    kind: 'usage',
    retryable: false,
    meaning: 'An image cannot be saved under a reference like this.',
  },
} as const;

export const transportError = errorFactory(transportErrors);
