import type { LayoutTools, RegistryMaintenance } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';

/** The registry of the home, ready to be looked after. @throws DATABASE_IN_USE while `heraklit serve` holds the home */
export async function withMaintenance<T>(
  context: CliContext,
  work: (maintenance: RegistryMaintenance) => Promise<T>,
): Promise<T> {
  const [{ createMaintenance }, { neededImages }, { auditLayout, openBlobStore, readLayoutIndex, setBlobAside }] =
    await Promise.all([import('../registry/index.ts'), import('../engine/index.ts'), import('../storage/index.ts')]);
  const database = await openHomeDatabase(context);
  try {
    const { store: directory } = context.home;
    const store = await openBlobStore(directory);
    const layout: LayoutTools = {
      index: () => readLayoutIndex(directory),
      audit: () => auditLayout(directory),
      setAside: (digest, modified) => setBlobAside(directory, digest, modified),
    };
    return await work(createMaintenance({ database, store, needed: neededImages, layout }));
  } finally {
    await database.close();
  }
}
