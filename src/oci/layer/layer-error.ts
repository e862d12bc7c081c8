import { isHeraklitError } from '../../base/index.ts';
import { ociError } from '../errors.ts';

/** What reading an archive threw, as an error about a layer; anything else unchanged. @param name which layer */
export function asLayerError(error: unknown, name?: string): unknown {
  if (!isHeraklitError(error) || !error.code.startsWith('ARCHIVE_')) return error;
  const code = error.code === 'ARCHIVE_LIMIT' ? 'OCI_LAYER_LIMIT' : 'OCI_LAYER_INVALID';
  return ociError(code, `${name === undefined ? 'layer' : `layer ${name}`}: ${error.message}`, {
    cause: error,
    details: { reason: error.code, ...error.details },
    hint: error.hint ?? 'The image is damaged or was made to do harm; nothing of it was used.',
  });
}
