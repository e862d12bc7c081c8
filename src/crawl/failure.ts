import { asCodedError, HeraklitError, isHeraklitError, messageOf } from '../base/index.ts';
import type { CrawlFailure } from './types.ts';

/** What is in a registry beside images: charts, signatures, images of other platforms. */
const NO_IMAGE = ['OCI_MANIFEST_INVALID', 'OCI_PLATFORM_MISSING', 'TRANSPORT_NOT_AN_IMAGE'] as const;

export function failureOf(reference: string, error: unknown): CrawlFailure {
  const coded = asCodedError(error);
  const code = coded instanceof HeraklitError ? coded.code : 'INTERNAL';
  const message = messageOf(coded);
  return { kind: isHeraklitError(error, ...NO_IMAGE) ? 'skipped' : 'failed', reference, code, message };
}
