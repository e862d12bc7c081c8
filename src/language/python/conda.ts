import { acceptedText, members, parseJson } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import { type ContentReader, NOTHING } from '../types.ts';

/**
 * conda-meta/NAME-VERSION-BUILD.json: one file a package that conda installed, of any language. It lists every file,
 * so some have megabytes.
 * @see https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
 */
export const condaMeta: ContentReader = {
  id: 'conda-meta',
  version: 1,
  files: { extensions: ['.json'] },
  wants: ({ path }) => (/(?:^|\/)conda-meta\/[^/]+\.json$/.test(path) ? { kind: 'whole', limit: LOCK_BYTES } : 'no'),
  read: (_, bytes) => {
    const meta = members(parseJson(bytes));
    const [name, version] = [acceptedText(meta?.name), acceptedText(meta?.version)];
    if (name === undefined || version === undefined) return NOTHING;
    return { packages: [{ ecosystem: 'conda', name, version, state: 'installed' }] };
  },
};
