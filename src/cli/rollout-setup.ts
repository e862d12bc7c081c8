import type { Database } from '../database/index.ts';
import type { LoadedFleet, Workshop } from '../engine/index.ts';
import type { CarryContext, MeasuredAnalysisOptions, StepAnalysis } from '../rollout/index.ts';
import type { WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import type { LiveFleet } from './live-fleet.ts';

export interface RolloutSetupOptions {
  /** Undefined: rollouts have the analysis and zones that they began with. */
  readonly fleet: LoadedFleet | undefined;
  /** The same, as its file is now. */
  readonly live?: LiveFleet;
  readonly database: Database;
  readonly runtimes: readonly WorkloadRuntime[];
  readonly workshop: Pick<Workshop, 'store'>;
  readonly context: Pick<CliContext, 'log' | 'signal'>;
}

/** All that rollouts of a fleet are carried on with. */
export async function carryContext(
  options: RolloutSetupOptions,
): Promise<CarryContext & { readonly signal: AbortSignal }> {
  const { fleet, live, database, runtimes, workshop, context } = options;
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
    analysis: await stepAnalysis(() => live?.current() ?? fleet, database),
  };
}

/** What the fleet file measures; a rollout begun by command says by itself. */
async function stepAnalysis(fleet: () => LoadedFleet | undefined, database: Database): Promise<StepAnalysis> {
  const [{ analysisFor }, { measuredAnalysis }] = await Promise.all([
    import('../engine/index.ts'),
    import('../rollout/index.ts'),
  ]);
  const settings: MeasuredAnalysisOptions['settings'] = (slot) => analysisFor(fleet()?.document.rollout)?.(slot);
  return measuredAnalysis({ database, settings, folder: fleet()?.directory ?? '.', environment: process.env });
}
