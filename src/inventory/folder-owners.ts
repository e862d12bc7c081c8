import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from '../distro/index.ts';
import { ownersOf } from './owners.ts';
import { condensingView } from './read-language-packages.ts';
import { rootView } from './root-view.ts';

/** Which package owns each of some files of a root folder: path below the root → name of the package. */
export async function ownersInFolder(
  root: string,
  packages: readonly InstalledPackage[],
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  return ownersOf(wanted, { view: condensingView(await rootView(root)), packages }, (path) => {
    try {
      return readlinkSync(join(root, path));
    } catch {
      return undefined;
    }
  });
}
