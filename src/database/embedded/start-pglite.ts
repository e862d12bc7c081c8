import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { syncDirectory, writeFileAtomic } from '../../base/index.ts';
import { DurableNodeFiles, durableStartParameters } from './durable-files.ts';

/** PostgreSQL over the files of a folder, which is made where there is none. @throws what PGlite and the disk say */
export async function startPglite(directory: string): Promise<PGlite> {
  const unfinished = `${directory}.initialising`;
  // A first start that was killed half-way leaves a folder that never starts: begin again.
  if (existsSync(unfinished)) await rm(directory, { recursive: true, force: true });
  const fresh = !existsSync(join(directory, 'PG_VERSION'));
  if (fresh) await writeFileAtomic(unfinished, '');
  const pglite = new PGlite({
    fs: new DurableNodeFiles(directory),
    startParams: durableStartParameters(),
    relaxedDurability: false,
    parsers: { [types.INT8]: Number },
  });
  await pglite.waitReady;
  if (fresh) {
    await syncDirectory(directory);
    await rm(unfinished, { force: true });
  }
  return pglite;
}
