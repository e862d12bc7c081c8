import { isHeraklitError, messageOf } from '../../base/index.ts';
import { storageError } from '../errors.ts';

interface S3Failure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const DENIED = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccessDenied', 'CredentialsProviderError']);
const ABSENT = new Set(['NotFound', 'NoSuchKey', 'NoSuchUpload']);
const WRONG_PLACE = new Set(['NoSuchBucket', 'PermanentRedirect', 'AuthorizationHeaderMalformed']);
const RETRY = 'It is tried again with growing pauses; see whether the storage is up and the network reaches it.';

export function isAbsentObject(error: unknown): boolean {
  const { name = '', $metadata } = error as S3Failure;
  return ABSENT.has(name) || ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket');
}

/** @returns undefined where there is no such object */
export async function orAbsent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isAbsentObject(error)) return undefined;
    throw error;
  }
}

/** What the S3 API or the way to it said, as one of our errors; errors that are none of the API's pass unchanged. */
export function asS3Error(error: unknown, where: string): unknown {
  if (isHeraklitError(error) || !(error instanceof Error)) return error;
  const { name = '', code, $metadata } = error as S3Failure;
  const status = $metadata?.httpStatusCode;
  const said = `${name}: ${messageOf(error)}`;
  if (DENIED.has(name) || status === 401 || status === 403) {
    return storageError('STORAGE_S3_DENIED', `${where} refuses our credentials: ${said}`, {
      cause: error,
      hint: 'Check access key and secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or the profile) and their rights.',
    });
  }
  if (WRONG_PLACE.has(name) || status === 301) {
    return storageError('STORAGE_S3_BUCKET', `${where} has no such bucket, or not here: ${said}`, {
      cause: error,
      hint: 'Create the bucket, or correct its name, the region and the endpoint.',
    });
  }
  if (status !== undefined && status < 500 && status !== 429) {
    return storageError('STORAGE_S3_REFUSED', `${where} answers ${status}: ${said}`, { cause: error });
  }
  const network = status === undefined && (code !== undefined || name === 'TimeoutError' || name === 'AbortError');
  if (status !== undefined || network) {
    return storageError('STORAGE_S3_UNAVAILABLE', `${where} does not answer as it should: ${said}`, {
      cause: error,
      hint: RETRY,
    });
  }
  return error;
}
