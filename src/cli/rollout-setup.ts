import type { Database } from '../database/index.ts';
import type { LoadedFleet, Workshop } from '../engine/index.ts';
import type { CarryContext, StepAnalysis } from '../rollout/index.ts';
import type { WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';

export interface RolloutSetupOptions {
  /** Undefined: rollouts without analysis and zones. */
  readonly fleet: LoadedFleet | undefined;
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  readonly workshop: Pick<Workshop, 'store'>;
  readonly context: Pick<CliContext, 'log' | 'signal'>;
}

/** All that rollouts of a fleet are carried on with. */
export async function carryContext(
  options: RolloutSetupOptions,
): Promise<CarryContext & { readonly signal: AbortSignal }> {
  const { fleet, database, runtimes, workshop, context } = options;
  const [{ undoRelease, zoneDelivery }, { createSqlCatalogue }, { systemClock }] = await Promise.all([
    import('../engine/index.ts'),
    import('../registry/index.ts'),
    import('../base/index.ts'),
  ]);
  const catalogue = createSqlCatalogue(database);
  return {
    ...{ database, runtimes, catalogue, log: context.log, signal: context.signal },
    deliver: zoneDelivery(workshop, catalogue, fleet?.directory ?? '.'),
    undoRelease: (campaign) => undoRelease({ database, catalogue, clock: systemClock }, campaign),
    ...(fleet === undefined ? {} : await stepAnalysis(fleet, database)),
  };
}

async function stepAnalysis(
  { document, directory }: LoadedFleet,
  database: Database,
): Promise<{ readonly analysis?: StepAnalysis }> {
  const { analysisFor } = await import('../engine/index.ts');
  const settings = analysisFor(document.rollout);
  if (settings === undefined) return {};
  const { measuredAnalysis } = await import('../rollout/index.ts');
  return { analysis: measuredAnalysis({ database, settings, folder: directory, environment: process.env }) };
}
