import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { CliContext } from './context.ts';
import type { FleetSetupOptions } from './fleet-setup.ts';
import { openEngine, type RuntimeOptions } from './runtimes.ts';
import { withStorage } from './storage-option.ts';

/** What a run without a server needs to start candidates. */
export interface RunTests extends AsyncDisposable {
  readonly setup: Pick<FleetSetupOptions, 'verifier' | 'candidatesFrom'>;
}

/** Whether any image of a fleet has tests that have to be run; without them a run starts nothing. */
async function anyTests({ document }: LoadedFleet): Promise<boolean> {
  const { hasTests } = await import('../verify/index.ts');
  const all = [document.verify, ...document.images.map(({ verify }) => verify)];
  return all.some(
    (checks) =>
      checks !== undefined && (checks.tests !== undefined || checks.kubernetes !== undefined || hasTests(checks)),
  );
}

/** The engine of this host, and the home's registry on loopback for as long as the run takes. */
export async function openTests(
  fleet: LoadedFleet,
  database: Database,
  options: RuntimeOptions,
  context: CliContext,
): Promise<RunTests> {
  const resources = new AsyncDisposableStack();
  const close = async (): Promise<void> => await resources.disposeAsync();
  if (!(await anyTests(fleet))) return { setup: {}, [Symbol.asyncDispose]: close };
  const [{ openLoopbackRegistry }, { createSqlCatalogue }, { openHomeStore }] = await Promise.all([
    import('../engine/index.ts'),
    import('../registry/index.ts'),
    import('../storage/index.ts'),
  ]);
  const verifier = resources.adopt(await openEngine(options), (engine) => engine.close());
  const { home, log } = withStorage(context, fleet.document.registry?.storage);
  const store = await openHomeStore(home);
  const registry = resources.adopt(await openLoopbackRegistry(store, createSqlCatalogue(database), log), (one) =>
    one.close(),
  );
  return { setup: { verifier, candidatesFrom: registry.host }, [Symbol.asyncDispose]: close };
}
