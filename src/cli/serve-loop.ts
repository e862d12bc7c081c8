import { messageOf } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { EngineRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { fleetAdvisories } from './fleet-advisories.ts';
import { type FleetRound, fleetRounds } from './fleet-rounds.ts';
import { fleetSetup } from './fleet-setup.ts';
import { keepFleetFresh } from './keep-fleet-fresh.ts';
import type { LiveFleet } from './live-fleet.ts';
import { carryContext } from './rollout-setup.ts';
import { openRuntimeSet, type RuntimeSet } from './runtime-set.ts';
import { openEngine, type RuntimeOptions } from './runtimes.ts';
import type { SourceOptions } from './source-options.ts';
import { withStorage } from './storage-option.ts';

/** Options of `heraklit serve` about the loop over the fleet. */
export interface ServeLoopOptions extends SourceOptions, RuntimeOptions {
  readonly interval?: string;
  readonly rollout: boolean;
  readonly takeOver?: string;
  readonly storage?: string;
}

export interface ServeLoopStage {
  readonly fleet: LoadedFleet;
  /** The same, as its file is now. */
  readonly live: LiveFleet;
  /** Under which the registry is reached. */
  readonly url: string;
  readonly options: ServeLoopOptions;
  readonly database: Database;
  readonly context: CliContext;
}

/** Seconds between two looks at the repositories. */
export const DEFAULT_INTERVAL = 3600;
/** Milliseconds; after a failed round, and after one that only finished what was begun before. */
const MIN_PAUSE = 1_000;
const RETRY_AFTER_RESUME = 1_000;
const RETRY_WEBHOOK = 60_000;

/** Runs the loop until the process is told to end. One failed round is logged and does not end it. */
export async function keepPatched(stage: ServeLoopStage): Promise<void> {
  const { fleet, live, options, database, context } = stage;
  await using resources = new AsyncDisposableStack();
  const seconds = (): number =>
    Number(options.interval ?? live.current().document.policy?.interval ?? DEFAULT_INTERVAL);
  const usable = await usableRuntimes(stage, resources);
  const refreshAdvisories = fleetAdvisories(fleet, database, context);
  const rounds = await fleetRounds(stage, resources);
  await keepRolling(stage, usable, resources);
  let first = true;
  let next = 0;
  while (!context.signal.aborted) {
    const whole = first || Date.now() >= next;
    try {
      if (whole) await refreshAdvisories();
      const round = await rounds.begin(whole, first);
      if (whole) next = Date.now() + seconds() * 1_000;
      first = false;
      const resumed = await runRound(stage, usable, round);
      const looked = { database, runtimes: usable.runtimes(), lead: seconds() * 1_000 };
      if (whole) await keepFleetFresh(round.fleet, looked, context);
      // An earlier run that was carried on did not look at what is new.
      if (resumed) next = Math.min(next, Date.now() + RETRY_AFTER_RESUME);
    } catch (error) {
      if (context.signal.aborted) return;
      context.log.error(`run failed: ${messageOf(error)}`);
      // What a webhook asked for is not left until the clock's next round.
      if (!whole) next = Math.min(next, Date.now() + RETRY_WEBHOOK);
    }
    await rounds.wait(Math.max(MIN_PAUSE, next - Date.now()));
  }
}

/** Rollouts that take longer than the run that began them, beside it. They end before the runtimes are closed. */
async function keepRolling(
  { fleet, live, options, database, context }: ServeLoopStage,
  { runtimes, keep }: Usable,
  resources: AsyncDisposableStack,
): Promise<void> {
  if (!options.rollout) return;
  const [{ openWorkshop }, { keepRollouts }] = await Promise.all([
    import('../engine/index.ts'),
    import('../rollout/index.ts'),
  ]);
  const { home, log, progress, signal } = withStorage(context, options.storage ?? fleet.document.registry?.storage);
  const workshop = openWorkshop({ home, log, progress, signal });
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const setup = { fleet, live, database, runtimes: runtimes(), workshop, context: { log, signal: stop } };
  const carry = {
    ...(await carryContext(setup)),
    get runtimes() {
      return runtimes();
    },
  };
  const failed = (error: unknown): void => log.error(messageOf(error));
  const kept = [keepRollouts(carry).catch(failed), keep(stop).catch(failed)];
  resources.defer(async () => {
    ended.abort();
    await Promise.all(kept);
  });
}

/** @returns whether it carried on an earlier run, and has not looked at what is new */
async function runRound(stage: ServeLoopStage, usable: Usable, round: FleetRound): Promise<boolean> {
  const { url, options, database, context } = stage;
  const { pipelineOptions, runPipeline } = await import('../engine/index.ts');
  const { verifier } = usable;
  const setup = await fleetSetup(
    {
      ...options,
      fleet: round.fleet,
      database,
      registryHost: new URL(url).host,
      runtimes: usable.runtimes(),
      ...(verifier === undefined ? {} : { verifier }),
    },
    context,
  );
  const only = round.only === undefined ? {} : { only: round.only };
  const { tasks, problems, resumed } = await runPipeline({ ...(await pipelineOptions(setup)), ...only });
  if (!resumed) await round.end();
  for (const { code, message } of problems) context.log.warn(`${code}: ${message}`);
  if (tasks.length > 0) context.log.info(`run finished: ${tasks.length} images`);
  return resumed;
}

interface Usable {
  readonly verifier: EngineRuntime | undefined;
  readonly runtimes: RuntimeSet['all'];
  readonly keep: RuntimeSet['keep'];
}

/** The engine that tests candidates, and what images are rolled out to: those that are away join when they are back. */
async function usableRuntimes(
  { options, live, database, context }: ServeLoopStage,
  resources: AsyncDisposableStack,
): Promise<Usable> {
  const verifier = await openEngine(options);
  resources.defer(async () => verifier.close());
  const verifierProblem = await verifier.unavailable();
  if (verifierProblem !== undefined) context.log.warn(`candidates are not started: ${verifierProblem}`);
  // What tests of a killed server left; every test looks again, so a failure now is none.
  else await verifier.reap().catch((error: unknown) => context.log.warn(messageOf(error)));
  const found = verifierProblem === undefined ? verifier : undefined;
  if (!options.rollout) return { verifier: found, runtimes: () => [], keep: async () => undefined };
  const set = await openRuntimeSet({ options, fleet: live.current(), database }, context, resources);
  live.onChange((now) => void set.renew(now).catch((error: unknown) => context.log.error(messageOf(error))));
  return { verifier: found, runtimes: set.all, keep: set.keep };
}
