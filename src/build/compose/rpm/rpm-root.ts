import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../../base/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import { itemsOf, tarOf } from '../tar-items.ts';
import type { ComposeRequest } from '../types.ts';
import { databaseOf } from './database.ts';
import { installRpm } from './install-rpm.ts';
import type { LockedRpm } from './open-packages.ts';
import { rpmTools } from './tools.ts';

/** Raise it when the same packages give another root. */
const FORMAT = 1;

export interface RpmRoot {
  readonly items: readonly LayerItem[];
  /** For people: whether rpm ran. */
  readonly explanation: string;
}

/** The root that rpm makes of packages; the same packages are installed once, and the result kept. */
export async function scriptedRpmRoot(
  request: ComposeRequest,
  packages: readonly LockedRpm[],
  distribution: string,
  epoch: number,
): Promise<RpmRoot> {
  const database = databaseOf(distribution);
  const tools = await rpmTools();
  const sums = packages.map(({ item }) => item.sha256);
  const scripts = request.recipe.scripts ?? 'run';
  const key = createHash('sha256').update(JSON.stringify([FORMAT, tools, database, scripts, epoch, sums]));
  const file = join(request.cache, 'compose', 'rpm-roots', `${key.digest('hex')}.tar`);
  const known = await readFile(file)
    .then(decode)
    .catch(() => undefined);
  if (known !== undefined) return { items: known, explanation: 'rpm ran before for the same packages' };
  const items = await installRpm(request, packages, database, epoch);
  const tar = tarOf(items);
  await writeCacheFile(file, Buffer.concat([createHash('sha256').update(tar).digest(), tar]));
  return { items, explanation: 'rpm installed the packages: it never had for this set of them' };
}

const SUM_BYTES = 32;

/** @throws where the file is damaged */
function decode(bytes: Buffer): readonly LayerItem[] {
  const tar = bytes.subarray(SUM_BYTES);
  if (!createHash('sha256').update(tar).digest().equals(bytes.subarray(0, SUM_BYTES))) throw new Error('damaged');
  return itemsOf(tar);
}
