import { acceptedText, textOf } from '../accept.ts';
import { headerFields } from '../header-fields.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import { type ContentReader, NOTHING, type ReadResult } from '../types.ts';

/**
 * What installers write beside a package's modules: NAME.dist-info/METADATA, NAME.egg-info (a file, or a folder with
 * PKG-INFO), EGG-INFO/PKG-INFO of an unpacked egg.
 * @see https://packaging.python.org/en/latest/specifications/core-metadata/
 */
export const pythonMetadata: ContentReader = {
  id: 'dist-info',
  version: 1,
  files: { names: ['METADATA'] },
  wants: ({ path }) => (/\.dist-info\/METADATA$/.test(path) ? { kind: 'whole', limit: MANIFEST_BYTES } : 'no'),
  read: (_, bytes) => readMetadata(bytes),
};

export const pythonEggInfo: ContentReader = {
  id: 'egg-info',
  version: 1,
  files: { names: ['PKG-INFO'], extensions: ['.egg-info'] },
  wants: ({ path }) =>
    /(?:\.egg-info(?:\/PKG-INFO)?|(?:^|\/)EGG-INFO\/PKG-INFO)$/.test(path)
      ? { kind: 'whole', limit: MANIFEST_BYTES }
      : 'no',
  read: (_, bytes) => readMetadata(bytes),
};

function readMetadata(bytes: Buffer): ReadResult {
  const fields = headerFields(textOf(bytes));
  const name = acceptedText(fields.get('name'));
  const version = acceptedText(fields.get('version'));
  if (name === undefined || version === undefined) {
    // An editable install of a project without a version leaves such a file: nothing that could be compared.
    return fields.size > 0 ? NOTHING : { problems: ['has neither Name nor Version'] };
  }
  return { packages: [{ ecosystem: 'pypi', name, version, state: 'installed' }] };
}
