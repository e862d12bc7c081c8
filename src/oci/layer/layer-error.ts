import { isHeraklitError } from '../../base/index.ts';
import { ociError } from '../errors.ts';

/** What reading an archive threw, as an error about a layer; anything else unchanged. */
export function asLayerError(error: unknown): unknown {
  if (!isHeraklitError(error) || !error.code.startsWith('ARCHIVE_')) return error;
  const code = error.code === 'ARCHIVE_LIMIT' ? 'OCI_LAYER_LIMIT' : 'OCI_LAYER_INVALID';
  return ociError(code, `layer: ${error.message}`, {
    cause: error,
    details: { reason: error.code, ...error.details },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
