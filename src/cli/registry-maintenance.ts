import type { Database } from '../database/index.ts';
import type { LayoutTools, RegistryMaintenance } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';

/** What looks after the registry of the home, over a database that is open. */
export async function openMaintenance(context: CliContext, database: Database): Promise<RegistryMaintenance> {
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
  const store = await storage.openBlobStore(directory);
  return createMaintenance({ database, store, needed: neededImages, running: runningReferences, layout });
}

/** @throws DATABASE_IN_USE while `heraklit serve` holds the home */
export async function withMaintenance<T>(
  context: CliContext,
  work: (maintenance: RegistryMaintenance) => Promise<T>,
): Promise<T> {
  const database = await openHomeDatabase(context);
  try {
    return await work(await openMaintenance(context, database));
  } finally {
    await database.close();
  }
}
