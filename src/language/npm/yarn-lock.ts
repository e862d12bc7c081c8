import { acceptedText, textOf } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';
import { npmName } from './manifest.ts';

/**
 * yarn.lock of version 1 and of berry. Both are written by machine, one entry a block, and need no more than lines:
 * a YAML parser takes seconds for those of large repositories, and cannot read version 1.
 * @see https://classic.yarnpkg.com/lang/en/docs/yarn-lock/
 */
export const yarnLock: ContentReader = {
  id: 'yarn.lock',
  version: 1,
  files: { names: ['yarn.lock'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => ({ packages: readYarnLock(textOf(bytes)) }),
};

/** `name@range` with an optional protocol: `lodash@^4`, `@a/b@npm:^1`, `x@npm:y@^2` (y, called x). */
const SPECIFIER = /^"?((?:@[^/@]+\/)?[^/@"]+)@(?:npm:((?:@[^/@]+\/)?[^/@"]+)@)?([^",]*)/;
const VERSION = /^ {2}version:? "?([^"\s]+)"?\s*$/;
/** Berry: what the entry was resolved to; workspaces, links and portals are folders of the project. */
const RESOLUTION = /^ {2}resolution: "((?:@[^/@]+\/)?[^/@]+)@([a-z]+):/;
const LOCAL = /^(?:link|portal|workspace|file):/;

function readYarnLock(text: string): readonly FoundPackage[] {
  const found: FoundPackage[] = [];
  let name: string | undefined;
  let version: string | undefined;
  const take = (): void => {
    const accepted = npmName(name);
    if (accepted !== undefined && version !== undefined) {
      found.push({ ecosystem: 'npm', name: accepted, version, state: 'declared' });
    }
    name = version = undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    if (line !== '' && !line.startsWith(' ') && !line.startsWith('#')) {
      take();
      const specifier = SPECIFIER.exec(line);
      name = specifier === null || LOCAL.test(specifier[3] ?? '') ? undefined : (specifier[2] ?? specifier[1]);
      continue;
    }
    const value = VERSION.exec(line)?.[1];
    if (value !== undefined) version = acceptedText(value);
    const resolution = RESOLUTION.exec(line);
    if (resolution !== null) name = LOCAL.test(`${resolution[2]}:`) ? undefined : resolution[1];
  }
  take();
  return found;
}
