import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { atEpoch } from './normalize.ts';
import { PACKAGE_FORMAT } from './package-record.ts';
import { runScripts, SCRIPTS_FORMAT, type ScriptsInput } from './scripts.ts';
import { itemsOf, tarOf } from './tar-items.ts';
import type { ComposeRequest } from './types.ts';

/** Names the result of the script stage: it depends on nothing but what it is given. */
export function scriptsKey(request: ComposeRequest, input: ScriptsInput): string {
  return createHash('sha256')
    .update(
      JSON.stringify([
        [SCRIPTS_FORMAT, PACKAGE_FORMAT, request.architecture, input.epoch],
        request.base?.image.manifest.layers.map(({ digest }) => digest) ?? [],
        input.added.map(({ sha256 }) => sha256),
      ]),
    )
    .update(tarOf(input.state))
    .digest('hex');
}

/** What the scripts changed: the same packages on the same base with the same database run once, and are kept. */
export async function scriptChanges(
  request: ComposeRequest,
  input: ScriptsInput,
  key: string,
): Promise<readonly LayerItem[]> {
  const file = join(request.cache, 'compose', 'scripts', `${key}.tar`);
  const known = await readFile(file).catch(() => undefined);
  if (known !== undefined) {
    try {
      return itemsOf(known);
    } catch {
      // A damaged cache file is as good as none.
    }
  }
  request.progress?.update('maintainer scripts', 0, input.added.length);
  const { changes } = await runScripts(request, input);
  const items = atEpoch(changes, input.epoch);
  await writeFileAtomic(file, tarOf(items));
  request.progress?.update('maintainer scripts', input.added.length, input.added.length);
  return items;
}
