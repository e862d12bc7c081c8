import { acceptedText, textOf } from '../accept.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage, ReadResult } from '../types.ts';
import { pinnedRequirements } from './requirements.ts';

/** `NAME-VERSION(-BUILD)?-PYTHON-ABI-PLATFORM.whl`; in NAME and VERSION a dash stands as underscore. */
const WHEEL = /^([A-Za-z0-9_.]+)-([A-Za-z0-9_.!+]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$/;
/** `NAME-VERSION-pyX.Y(-PLATFORM)?.egg` */
const EGG = /^([A-Za-z0-9_.]+)-([A-Za-z0-9_.!+]+)-py\d[^-]*(?:-.+)?\.egg$/;

/**
 * Wheels and eggs that lie around: Python imports from them as they are, which is how pip brings itself into new
 * environments. The file's name says what it is, by the specification.
 * @see https://packaging.python.org/en/latest/specifications/binary-distribution-format/
 */
export const pythonArchive: ContentReader = {
  id: 'wheel',
  version: 1,
  files: { extensions: ['.whl', '.egg'] },
  wants: ({ name }) => (WHEEL.test(name) || EGG.test(name) ? { kind: 'stream' } : 'no'),
  open: ({ name }) => ({ write: () => undefined, end: () => named(name) }),
};

function named(file: string): ReadResult {
  const match = WHEEL.exec(file) ?? EGG.exec(file);
  const name = acceptedText(match?.[1]?.replaceAll('_', '-'));
  const version = acceptedText(match?.[2]?.replaceAll('_', '-'));
  if (name === undefined || version === undefined) return {};
  return { packages: [{ ecosystem: 'pypi', name, version, state: 'installed' }] };
}

/** pip carries copies of what it needs, and says which in `pip/_vendor/vendor.txt`. */
export const pythonVendored: ContentReader = {
  id: 'vendor.txt',
  version: 1,
  files: { names: ['vendor.txt'] },
  wants: ({ path }) => (/\/_vendor\/vendor\.txt$/.test(path) ? { kind: 'whole', limit: MANIFEST_BYTES } : 'no'),
  read: (_, bytes) => ({
    packages: pinnedRequirements(textOf(bytes)).map(
      (item): FoundPackage => ({ ecosystem: 'pypi', ...item, state: 'installed' }),
    ),
  }),
};
