import { textOf } from '../accept.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/** `name[extra]==1.2.3 ; marker --hash=… # comment`: of what is not pinned nobody knows which version it became. */
const PINNED =
  /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9][A-Za-z0-9_.!+-]{0,200})\s*(?:[;#\\].*|--.*)?$/;

/** Requirements that name one version exactly. */
export function pinnedRequirements(text: string): readonly { readonly name: string; readonly version: string }[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const match = line.length > 4096 ? null : PINNED.exec(line);
    return match === null ? [] : [{ name: match[1] as string, version: match[2] as string }];
  });
}

/** @see https://pip.pypa.io/en/stable/reference/requirements-file-format/ */
export const pythonRequirements: ContentReader = {
  id: 'requirements.txt',
  version: 1,
  files: { names: ['requirements.txt'] },
  wants: () => ({ kind: 'whole', limit: MANIFEST_BYTES }),
  read: (_, bytes) => ({
    packages: pinnedRequirements(textOf(bytes)).map(
      (item): FoundPackage => ({ ecosystem: 'pypi', ...item, state: 'declared' }),
    ),
  }),
};
