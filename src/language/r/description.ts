import { acceptedText, textOf } from '../accept.ts';
import { headerFields } from '../header-fields.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import { type ContentReader, NOTHING } from '../types.ts';

/**
 * DESCRIPTION of an installed R package: the field Built is added by installing. Packages of priority `base` are R's own.
 * @see https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
 */
export const rDescription: ContentReader = {
  id: 'DESCRIPTION',
  version: 1,
  files: { names: ['DESCRIPTION'] },
  wants: () => ({ kind: 'whole', limit: MANIFEST_BYTES }),
  read: (_, bytes) => {
    const fields = headerFields(textOf(bytes));
    const [name, version] = [acceptedText(fields.get('package')), acceptedText(fields.get('version'))];
    if (name === undefined || version === undefined || !fields.has('built')) return NOTHING;
    if (fields.get('priority') === 'base') return NOTHING;
    return { packages: [{ ecosystem: 'cran', name, version, state: 'installed' }] };
  },
};
