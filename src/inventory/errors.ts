import { errorFactory } from '../base/index.ts';

export const inventoryErrors = {
  INVENTORY_RANGE_INVALID: { kind: 'usage', retryable: false, meaning: 'A version range does not parse.' },
  INVENTORY_CURSOR_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A page cursor was not made by this query, or was cut.',
  },
  INVENTORY_TOO_MANY_PATHS: {
    kind: 'usage',
    retryable: false,
    meaning: 'A file name or glob fits more of the known paths than one question may have.',
  },
  INVENTORY_ROOT_UNREADABLE: {
    kind: 'usage',
    retryable: false,
    meaning: 'A dir: reference does not name a readable folder.',
  },
  INVENTORY_LAYERS_MISMATCH: {
    kind: 'failed',
    retryable: false,
    meaning: 'An image config does not list as many layers as the manifest does.',
  },
  INVENTORY_HOST_TAKEN: {
    kind: 'usage',
    retryable: false,
    meaning: 'Another account reports for a host of this id; what it said still counts.',
  },
  INVENTORY_SBOM_INVALID: { kind: 'usage', retryable: false, meaning: 'A file is no SBOM of a known format.' },
  INVENTORY_SBOM_LIMIT: {
    kind: 'failed',
    retryable: false,
    meaning: 'An SBOM is larger, or its components nest deeper, than is read.',
  },
} as const;

export const inventoryError = errorFactory(inventoryErrors);
