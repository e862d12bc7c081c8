import { isHeraklitError } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LayoutTools, RegistryMaintenance } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';
import { readServeFile } from './serve-file.ts';

/** What looks after the registry of the home, over a database that is open. */
export async function openMaintenance(
  context: CliContext,
  database: Database,
  mirrored?: (repository: string) => boolean,
): Promise<RegistryMaintenance> {
  const [{ createMaintenance }, { neededImages, runningReferences }, storage] = await Promise.all([
    import('../registry/index.ts'),
    import('../engine/index.ts'),
    import('../storage/index.ts'),
  ]);
  const { store: directory } = context.home;
  const layout: LayoutTools = {
    index: () => storage.readLayoutIndex(directory),
    audit: () => storage.auditLayout(directory),
    setAside: (digest, modified) => storage.setBlobAside(directory, digest, modified),
  };
  const store = await storage.openHomeStore(context.home);
  const needs = { needed: neededImages, running: runningReferences };
  const local = context.home.storage === undefined ? { layout } : {};
  return createMaintenance({ database, store, ...needs, ...local, ...(mirrored === undefined ? {} : { mirrored }) });
}

/**
 * Works on the home's database, or asks the server that holds it.
 * @throws DATABASE_IN_USE when another process holds the home and serves nothing
 */
export async function withMaintenance<T>(
  context: CliContext,
  work: (maintenance: RegistryMaintenance) => Promise<T>,
): Promise<T> {
  let database: Database;
  try {
    database = await openHomeDatabase(context);
  } catch (error) {
    const serving = isHeraklitError(error, 'DATABASE_IN_USE') ? await readServeFile(context.home) : undefined;
    if (serving === undefined) throw error;
    const { createRemoteMaintenance } = await import('../http/index.ts');
    return work(createRemoteMaintenance(serving.url, serving.key));
  }
  try {
    return await work(await openMaintenance(context, database));
  } finally {
    await database.close();
  }
}
