import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { writeFileAtomic } from '../../base/index.ts';
import { DurableNodeFiles, durableStartParameters } from './durable-files.ts';
import { giveIdentity, readTemplate, syncTree } from './template.ts';

/**
 * PostgreSQL over the files of a folder, which is made where there is none: of a template, if there is one.
 * @throws what PGlite and the disk say
 */
export async function startPglite(directory: string, templateOf = readTemplate): Promise<PGlite> {
  const unfinished = `${directory}.initialising`;
  // A first start that was killed half-way leaves a folder that never starts: begin again.
  if (existsSync(unfinished)) await rm(directory, { recursive: true, force: true });
  const fresh = !existsSync(join(directory, 'PG_VERSION'));
  if (fresh) await writeFileAtomic(unfinished, '');
  const template = fresh ? await templateOf() : undefined;
  const pglite = new PGlite({
    ...(template === undefined ? {} : { loadDataDir: template }),
    fs: new DurableNodeFiles(directory),
    startParams: durableStartParameters(),
    relaxedDurability: false,
    parsers: { [types.INT8]: Number },
  });
  await pglite.waitReady;
  if (fresh) {
    if (template !== undefined) await giveIdentity(pglite);
    await syncTree(directory);
    await rm(unfinished, { force: true });
  }
  return pglite;
}
